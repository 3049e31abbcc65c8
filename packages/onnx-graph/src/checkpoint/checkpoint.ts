import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ServingError } from '@tessera/domain';
import { canonicalTensorName, type ModelConfig, type TensorShapes, validateModelConfig } from '@tessera/qwen2-5-vl';
import { assertFloatDtype, bytesPerElement, type FloatDtype, widenToFloat32 } from './float-formats.js';
import { readExactly, readSafetensorsHeader, type TensorLocation } from './safetensors-header.js';

/** The small files of a checkpoint folder that are copied into an engine. */
export const metadataFiles = [
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.json',
  'chat_template.jinja',
] as const;

export type MetadataFile = (typeof metadataFiles)[number];

interface StoredTensor extends TensorLocation {
  readonly file: FileHandle;
  readonly dtype: FloatDtype;
}

/**
 * A published checkpoint folder, opened for ranged reads. Tensors go by their canonical names (spec §2.1) whatever the
 * files call them. Close it when done.
 */
export class Checkpoint {
  readonly dir: string;
  readonly config: ModelConfig;
  readonly shapes: TensorShapes;
  /** Bytes of all shards together. */
  readonly numBytes: number;
  readonly #tensors: ReadonlyMap<string, StoredTensor>;
  readonly #files: readonly ShardFile[];

  private constructor(
    dir: string,
    config: ModelConfig,
    tensors: ReadonlyMap<string, StoredTensor>,
    files: readonly ShardFile[],
  ) {
    this.dir = dir;
    this.config = config;
    this.#tensors = tensors;
    this.#files = files;
    this.shapes = shapesOf(tensors);
    this.numBytes = files.reduce((sum, file) => sum + file.numBytes, 0);
  }

  /** Throws `checkpoint_not_found`, `checkpoint_invalid`, `checkpoint_truncated` or `unsupported_model_type`. */
  static async open(dir: string): Promise<Checkpoint> {
    const rawConfig = await readJson(dir, 'config.json');
    const files: ShardFile[] = [];
    try {
      for (const name of await shardNames(dir)) files.push(await openShard(dir, name));
      const tensors = await collectTensors(files);
      return new Checkpoint(dir, validateModelConfig(rawConfig, shapesOf(tensors)), tensors, files);
    } catch (error) {
      await Promise.all(files.map(({ handle }) => handle.close()));
      throw error;
    }
  }

  /** One of the small files, or undefined when the folder has none of that name. */
  readMetadata(name: MetadataFile): Promise<Buffer | undefined> {
    return readOptional(join(this.dir, name));
  }

  /** The same, parsed; throws `checkpoint_invalid` when it is no JSON. */
  async readMetadataJson(name: MetadataFile): Promise<unknown> {
    const content = await this.readMetadata(name);
    return content && parseJson(content, name);
  }

  dtypeOf(name: string): FloatDtype {
    return this.#tensor(name).dtype;
  }

  /** Rows [start, end) of a tensor's first axis, widened to float32, row-major. */
  async readRows(name: string, start: number, end: number): Promise<Float32Array> {
    return widenToFloat32(await this.readRowBytes(name, start, end), this.dtypeOf(name));
  }

  /** The same rows as stored. */
  async readRowBytes(name: string, start: number, end: number): Promise<Uint8Array> {
    const { file, shape, dtype, offset } = this.#tensor(name);
    const rowBytes = shape.slice(1).reduce((product, n) => product * n, 1) * bytesPerElement[dtype];
    return readExactly(file, offset + start * rowBytes, (end - start) * rowBytes);
  }

  /** SHA-256 over configuration and all weights, in hex; reads every byte once. */
  async digest(onBytes: (numBytes: number) => void = () => {}): Promise<string> {
    const hash = createHash('sha256');
    for (const name of metadataFiles) {
      const content = await this.readMetadata(name);
      hash.update(`${name}:${content?.byteLength ?? 'absent'};`);
      if (content) hash.update(content);
    }
    for (const { handle, name, numBytes } of this.#files) {
      hash.update(`${name}:${numBytes};`);
      for (let offset = 0; offset < numBytes; offset += digestBlockBytes) {
        const block = await readExactly(handle, offset, Math.min(digestBlockBytes, numBytes - offset));
        hash.update(block);
        onBytes(block.byteLength);
      }
    }
    return hash.digest('hex');
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map(({ handle }) => handle.close()));
  }

  #tensor(name: string): StoredTensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new ServingError('tensor_missing', `The checkpoint has no tensor ${name}.`, { tensor: name });
    return tensor;
  }
}

const digestBlockBytes = 8 << 20;

interface ShardFile {
  readonly name: string;
  readonly handle: FileHandle;
  readonly numBytes: number;
}

async function openShard(dir: string, name: string): Promise<ShardFile> {
  try {
    const handle = await open(join(dir, name));
    return { name, handle, numBytes: (await handle.stat()).size };
  } catch (cause) {
    throw new ServingError(
      'checkpoint_not_found',
      `Shard ${name} is missing or unreadable in ${dir}.`,
      { file: name },
      { cause },
    );
  }
}

const indexFile = 'model.safetensors.index.json';

/** The shards that the index names, else every safetensors file of the folder. */
async function shardNames(dir: string): Promise<string[]> {
  const index = await readOptional(join(dir, indexFile));
  if (index) return indexedShards(parseJson(index, indexFile));
  const names = (await readdir(dir)).filter((name) => name.endsWith('.safetensors')).sort();
  if (names.length === 0) {
    throw new ServingError('checkpoint_not_found', `There is no .safetensors file in ${dir}.`, { dir });
  }
  return names;
}

function indexedShards(index: unknown): string[] {
  const { weight_map: weightMap } = (index ?? {}) as { weight_map?: unknown };
  const names = new Set(typeof weightMap === 'object' && weightMap !== null ? Object.values(weightMap) : []);
  const areFiles = [...names].every((name) => typeof name === 'string' && basename(name) === name);
  if (names.size === 0 || !areFiles) {
    throw new ServingError(
      'checkpoint_invalid',
      `weight_map of ${indexFile} must name a file of the folder for every tensor.`,
      { file: indexFile },
    );
  }
  return [...names].sort();
}

async function collectTensors(files: readonly ShardFile[]): Promise<Map<string, StoredTensor>> {
  const tensors = new Map<string, StoredTensor>();
  for (const { handle, name: fileName } of files) {
    for (const [storedName, location] of await readSafetensorsHeader(handle, fileName)) {
      const name = canonicalTensorName(storedName);
      if (tensors.has(name)) {
        throw new ServingError('checkpoint_invalid', `Tensor ${storedName} occurs twice.`, { tensor: storedName });
      }
      tensors.set(name, storedTensor(handle, location, storedName));
    }
  }
  return tensors;
}

function storedTensor(file: FileHandle, location: TensorLocation, name: string): StoredTensor {
  const { dtype, shape, numBytes } = location;
  assertFloatDtype(dtype, name);
  const expectedBytes = shape.reduce((product, n) => product * n, bytesPerElement[dtype]);
  if (expectedBytes !== numBytes) {
    throw new ServingError(
      'checkpoint_invalid',
      `Tensor ${name} of shape [${shape.join(', ')}] and dtype ${dtype} needs ${expectedBytes} bytes and has ${numBytes}.`,
      { tensor: name },
    );
  }
  return { ...location, dtype, file };
}

function shapesOf(tensors: ReadonlyMap<string, StoredTensor>): TensorShapes {
  return new Map([...tensors].map(([name, { shape }]) => [name, shape]));
}

/** A JSON file of the folder; throws `checkpoint_not_found` when absent, `checkpoint_invalid` when it is no JSON. */
async function readJson(dir: string, name: string): Promise<unknown> {
  const isFolder = await stat(dir).then(
    (s) => s.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new ServingError('checkpoint_not_found', `${dir} is not a folder.`, { dir });
  const content = await readOptional(join(dir, name));
  if (!content) throw new ServingError('checkpoint_not_found', `There is no ${name} in ${dir}.`, { dir, file: name });
  return parseJson(content, name);
}

function parseJson(content: Buffer, name: string): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch (cause) {
    throw new ServingError('checkpoint_invalid', `${name} is not JSON.`, { file: name }, { cause });
  }
}

async function readOptional(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
