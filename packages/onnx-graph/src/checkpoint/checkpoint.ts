import { createHash } from 'node:crypto';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ServingError } from '@tessera/domain';
import {
  type ModelConfig,
  type QuantizationConfig,
  type TensorShapes,
  validateModelConfig,
  validateQuantization,
} from '@tessera/qwen2-5-vl';
import { type CheckpointTensors, collectTensors, type ShardFile } from './collect-tensors.js';
import { bytesPerElement, type FloatDtype, widenToFloat32 } from './float-formats.js';
import type { PackedMatrix } from './packed-matrix.js';
import { PackedReader } from './packed-reader.js';
import { dequantize, type PackedRows } from './packed-rows.js';
import { readExactly } from './safetensors-header.js';
import type { StoredTensor } from './stored-tensor.js';

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

/**
 * A published checkpoint folder, opened for ranged reads. Tensors go by their canonical names (spec §2.1) whatever the
 * files call them; a quantised matrix goes by the name and the shape of the weight that it stands for. Close it when
 * done.
 */
export class Checkpoint {
  readonly dir: string;
  readonly config: ModelConfig;
  readonly shapes: TensorShapes;
  /** How quantised matrices are packed; undefined when all tensors are floats. */
  readonly quantization: QuantizationConfig | undefined;
  /** The quantised matrices by name. */
  readonly packed: ReadonlyMap<string, PackedMatrix>;
  /** Bytes of all shards together. */
  readonly numBytes: number;
  readonly #floats: ReadonlyMap<string, StoredTensor>;
  readonly #files: readonly ShardFile[];
  readonly #packedReader = new PackedReader();

  private constructor({ dir, config, quantization, files, tensors }: OpenedFolder) {
    this.dir = dir;
    this.config = config;
    this.quantization = quantization;
    this.packed = tensors.packed;
    this.#floats = tensors.floats;
    this.#files = files;
    this.shapes = shapesOf(tensors);
    this.numBytes = files.reduce((sum, file) => sum + file.numBytes, 0);
  }

  /**
   * Throws `checkpoint_not_found`, `checkpoint_invalid`, `checkpoint_truncated` or `unsupported_model_type`, and what
   * `collectTensors` throws.
   */
  static async open(dir: string): Promise<Checkpoint> {
    const rawConfig = await readJson(dir, 'config.json');
    const quantization = validateQuantization(rawConfig, await readOptionalJson(dir, 'quantize_config.json'));
    const files: ShardFile[] = [];
    try {
      for (const name of await shardNames(dir)) files.push(await openShard(dir, name));
      const tensors = await collectTensors(files, quantization);
      const config = validateModelConfig(rawConfig, shapesOf(tensors));
      return new Checkpoint({ dir, config, quantization, files, tensors });
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

  /** Element type of a tensor that is not packed. */
  dtypeOf(name: string): FloatDtype {
    return this.#float(name).dtype;
  }

  /** Rows [start, end) of a tensor's first axis, widened or dequantised to float32, row-major. */
  async readRows(name: string, start: number, end: number): Promise<Float32Array> {
    if (this.packed.has(name)) return dequantize(await this.readPackedRows(name, start, end));
    return widenToFloat32(await this.readRowBytes(name, start, end), this.dtypeOf(name));
  }

  /** The same rows of a quantised matrix before they are dequantised. */
  async readPackedRows(name: string, start: number, end: number): Promise<PackedRows> {
    const matrix = this.packed.get(name);
    if (!matrix) throw tensorMissing(name);
    return this.#packedReader.readRows(matrix, start, end);
  }

  /** The same rows of a tensor of floats as stored. */
  async readRowBytes(name: string, start: number, end: number): Promise<Uint8Array> {
    const { file, shape, dtype, offset } = this.#float(name);
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
    // Stated in a file that is not copied into engines.
    if (this.quantization) hash.update(JSON.stringify(this.quantization));
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

  #float(name: string): StoredTensor {
    const tensor = this.#floats.get(name);
    if (!tensor) throw tensorMissing(name);
    return tensor;
  }
}

interface OpenedFolder extends Pick<Checkpoint, 'dir' | 'config' | 'quantization'> {
  readonly files: readonly ShardFile[];
  readonly tensors: CheckpointTensors;
}

function tensorMissing(name: string): ServingError {
  return new ServingError('tensor_missing', `The checkpoint has no tensor ${name}.`, { tensor: name });
}

const digestBlockBytes = 8 << 20;

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

function shapesOf({ floats, packed }: CheckpointTensors): TensorShapes {
  const weights = [...packed].map(([name, { numRows, numCols }]) => [name, [numRows, numCols]] as const);
  return new Map([...[...floats].map(([name, { shape }]) => [name, shape] as const), ...weights]);
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

async function readOptionalJson(dir: string, name: string): Promise<unknown> {
  const content = await readOptional(join(dir, name));
  return content && parseJson(content, name);
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
