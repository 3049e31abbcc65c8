import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { type Checkpoint, metadataFiles } from '../checkpoint/checkpoint.js';
import { assertTensors } from '../checkpoint/expected-tensors.js';
import { bytesPerElement } from '../checkpoint/float-formats.js';
import { rowRanges } from '../checkpoint/row-ranges.js';
import { decoderGraphs } from '../graphs/decoder-graphs.js';
import { planBlockShard } from '../graphs/plan-block-shard.js';
import type { ShardPlan } from '../graphs/shard-plan.js';
import { patchEmbedGraph, stillPatchEmbedGraph, visionGraph } from '../graphs/vision-graph.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { type WeightLocation, writeWeightFile } from '../onnx/weight-file.js';
import { type MatrixWeight, tensorBytes, tensorsOf } from '../weights/matrix-weight.js';
import { fewRowForms, type WeightForms, weightFormsOf } from '../weights/weight-forms.js';
import { encodeAhead, isQuantised } from './encode-ahead.js';
import { EncodeThread } from './encode-thread.js';
import type { EngineCache } from './engine-cache.js';
import {
  type EmbeddingManifest,
  type EngineFile,
  type EngineManifest,
  type EngineOptions,
  engineFormatVersion,
  engineKey,
  type RankManifest,
  type RowInvariance,
  type WeightIndex,
} from './engine-manifest.js';

/** What a compilation tells while it runs; bytes are those of the finished engine. */
export interface CompileProgress {
  readonly phase: 'digest' | 'weights' | 'probe';
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface CompileHooks {
  readonly onProgress?: (progress: CompileProgress) => void;
  /** Its abort ends the compilation after the matrix it is at, with its reason; what was written is removed. */
  readonly signal?: AbortSignal;
  /** Runs the row-invariance probe on the written graphs, before the engine is published. */
  readonly probe?: (engineDir: string, manifest: EngineManifest) => Promise<RowInvariance>;
}

export interface CompiledEngine {
  readonly dir: string;
  readonly manifest: EngineManifest;
  /** The engine was found in the cache. */
  readonly isReused: boolean;
}

/**
 * Compiles a checkpoint into an engine directory, or finds the one compiled before. All or nothing: a refused
 * checkpoint, a full disk or a crash leaves no engine behind.
 */
export async function compileEngine(
  checkpoint: Checkpoint,
  asked: EngineOptions,
  cache: EngineCache,
  hooks: CompileHooks = {},
): Promise<CompiledEngine> {
  assertTensors(checkpoint.config, checkpoint.shapes);
  const forms = weightFormsOf(checkpoint, asked.weights);
  planBlockShard(checkpoint.config.text, forms, asked.numRanks, 0);
  const options = { ...asked, weights: forms.plan };
  const onDigest = progressOf('digest', checkpoint.numBytes, hooks);
  const modelRevision = await cache.revisionOf(checkpoint, onDigest);
  const key = engineKey(modelRevision, options);
  const dir = cache.engineDir(key);
  const found = await cache.find(key);
  if (found) return { dir, manifest: found, isReused: true };
  const manifest = await cache.publish(key, async (partialDir) => {
    const written = await new EngineWriter({ checkpoint, options, forms }, partialDir, hooks).write(modelRevision);
    if (!hooks.probe) return written;
    hooks.onProgress?.({ phase: 'probe', doneBytes: 0, totalBytes: 0 });
    const rowInvariance = await hooks.probe(partialDir, written);
    hooks.signal?.throwIfAborted();
    return { ...written, rowInvariance };
  });
  return { dir, manifest, isReused: false };
}

interface EngineSource {
  readonly checkpoint: Checkpoint;
  readonly options: EngineOptions;
  readonly forms: WeightForms;
}

interface PlannedGraph {
  readonly path: string;
  readonly graph: GraphBuilder;
}

/** Graphs that share one external-data file. */
interface GraphGroup {
  readonly weightFile: string;
  readonly graphs: readonly PlannedGraph[];
}

interface RankGroup extends GraphGroup {
  readonly shard: ShardPlan;
  readonly fewRows?: GraphGroup;
}

/** Up to here int4 takes no longer than int8 (docs/performance.md). */
const maxFewRows = 8;

/** As many encoded matrices and one more are in memory at once. */
const maxEncodeThreads = 4;

class EngineWriter {
  readonly #checkpoint: Checkpoint;
  readonly #options: EngineOptions;
  readonly #forms: WeightForms;
  readonly #dir: string;
  readonly #files: EngineFile[] = [];
  readonly #onBytes: (numBytes: number) => void;
  readonly #encoder: GraphGroup;
  readonly #ranks: readonly RankGroup[];

  constructor(source: EngineSource, dir: string, hooks: CompileHooks) {
    this.#checkpoint = source.checkpoint;
    this.#options = source.options;
    this.#forms = source.forms;
    this.#dir = dir;
    this.#encoder = planEncoder(source);
    this.#ranks = Array.from({ length: source.options.numRanks }, (_, rank) => planRank(source, rank));
    this.#onBytes = progressOf('weights', this.#totalBytes(), hooks);
  }

  async write(modelRevision: string): Promise<EngineManifest> {
    const threads = this.#startThreads();
    try {
      return await this.#writeParts(modelRevision, threads);
    } finally {
      await Promise.all(threads.map((thread) => thread.close()));
    }
  }

  #startThreads(): EncodeThread[] {
    const hasQuantised = this.#groups().some((group) => groupWeights(group).some(isQuantised));
    const numThreads = hasQuantised ? Math.min(availableParallelism(), maxEncodeThreads) : 0;
    return Array.from({ length: numThreads }, () => new EncodeThread(this.#checkpoint.dir));
  }

  async #writeParts(modelRevision: string, threads: readonly EncodeThread[]): Promise<EngineManifest> {
    await this.#copyMetadata();
    const embedding = await this.#writeEmbedding();
    const encoderWeights = await this.#writeGroup(this.#encoder, threads);
    const ranks: RankManifest[] = [];
    for (const group of this.#ranks) {
      const weights = await this.#writeGroup(group, threads);
      const fewRows = group.fewRows && {
        maxRows: maxFewRows,
        graphs: pathsOf(group.fewRows),
        weights: await this.#writeGroup(group.fewRows, threads),
      };
      ranks.push({ shard: group.shard, graphs: pathsOf(group), weights, fewRows });
    }
    return {
      formatVersion: engineFormatVersion,
      modelRevision,
      options: this.#options,
      config: this.#checkpoint.config,
      forms: this.#forms,
      encoder: { ...encoderPaths, weights: encoderWeights },
      decoder: { ranks },
      embedding,
      files: this.#files,
    };
  }

  #groups(): GraphGroup[] {
    return [this.#encoder, ...this.#ranks.flatMap((group) => [group, ...(group.fewRows ? [group.fewRows] : [])])];
  }

  #totalBytes(): number {
    const tensors = this.#groups().flatMap(groupWeights).flatMap(tensorsOf);
    return tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), embeddingBytes(this.#checkpoint));
  }

  async #copyMetadata(): Promise<void> {
    for (const name of metadataFiles) {
      const content = await this.#checkpoint.readMetadata(name);
      if (!content) continue;
      await mkdir(join(this.#dir, 'checkpoint'), { recursive: true });
      await writeFile(join(this.#dir, 'checkpoint', name), content);
      this.#record(`checkpoint/${name}`, content);
    }
  }

  async #writeEmbedding(): Promise<EmbeddingManifest> {
    const tensor = 'model.embed_tokens.weight';
    const { vocabSize: numRows, hiddenSize: rowLen } = this.#checkpoint.config.text;
    const written = await writeWeightFile(join(this.#dir, 'embedding.bin'), async (writer) => {
      await writer.append(this.#counted(storedRows(this.#checkpoint, tensor, numRows, rowLen)));
    });
    this.#files.push({ path: 'embedding.bin', ...written });
    return { file: 'embedding.bin', dtype: this.#checkpoint.dtypeOf(tensor), numRows, rowLen };
  }

  async #writeGroup(group: GraphGroup, threads: readonly EncodeThread[]): Promise<WeightIndex> {
    await mkdir(join(this.#dir, dirname(group.weightFile)), { recursive: true });
    const locations = new Map<string, WeightLocation>();
    const written = await writeWeightFile(join(this.#dir, group.weightFile), async (writer) => {
      for await (const { weight, tensors } of encodeAhead(this.#checkpoint, groupWeights(group), threads)) {
        const names = tensorsOf(weight).map(({ name }) => name);
        for await (const blocks of tensors) {
          locations.set(names.shift() as string, await writer.append(this.#counted(blocks)));
        }
      }
    });
    this.#files.push({ path: group.weightFile, ...written });
    for (const { path, graph } of group.graphs) {
      const bytes = graph.serialize('weights.bin', locations);
      await writeFile(join(this.#dir, path), bytes);
      this.#record(path, bytes);
    }
    return { file: group.weightFile, locations: Object.fromEntries(locations) };
  }

  async *#counted<Block extends ArrayBufferView>(
    blocks: AsyncIterable<Block> | Iterable<Block>,
  ): AsyncGenerator<Block> {
    for await (const block of blocks) {
      yield block;
      this.#onBytes(block.byteLength);
    }
  }

  #record(path: string, bytes: Uint8Array): void {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.#files.push({ path, numBytes: bytes.byteLength, sha256 });
  }
}

function planEncoder({ checkpoint, options: { hasTaps }, forms }: EngineSource): GraphGroup {
  const { config } = checkpoint;
  return {
    weightFile: 'encoder/weights.bin',
    graphs: [
      { path: encoderPaths.patchEmbed, graph: patchEmbedGraph(config) },
      { path: encoderPaths.stillPatchEmbed, graph: stillPatchEmbedGraph(config) },
      { path: encoderPaths.tower, graph: visionGraph(config, { hasTaps, weights: forms }) },
    ],
  };
}

const encoderPaths = {
  patchEmbed: 'encoder/patch-embed.onnx',
  stillPatchEmbed: 'encoder/patch-embed-still.onnx',
  tower: 'encoder/tower.onnx',
};

function planRank(
  { checkpoint: { config }, options: { numRanks, cut }, forms }: EngineSource,
  rank: number,
): RankGroup {
  const inFewRows = fewRowForms(forms);
  const shard = planBlockShard(config.text, forms, numRanks, rank);
  const planGroup = (dir: string, weights: WeightForms): GraphGroup => ({
    weightFile: `${dir}/weights.bin`,
    graphs: decoderGraphs({ config, shard, weights }, cut).map(({ name, graph }) => ({
      path: `${dir}/${name}.onnx`,
      graph,
    })),
  });
  const dir = `decoder/rank-${rank}`;
  const fewRows = inFewRows && withoutHead(planGroup(`${dir}/few-rows`, inFewRows));
  return { ...planGroup(dir, forms), shard, fewRows };
}

function withoutHead(group: GraphGroup): GraphGroup {
  return { ...group, graphs: group.graphs.slice(0, -1) };
}

function pathsOf({ graphs }: GraphGroup): string[] {
  return graphs.map(({ path }) => path);
}

/** The distinct weights of a group. */
function groupWeights(group: GraphGroup): MatrixWeight[] {
  return [...new Map(group.graphs.flatMap(({ graph }) => [...graph.weights])).values()];
}

function embeddingBytes(checkpoint: Checkpoint): number {
  const { vocabSize, hiddenSize } = checkpoint.config.text;
  return vocabSize * hiddenSize * bytesPerElement[checkpoint.dtypeOf('model.embed_tokens.weight')];
}

const blockBytes = 8 << 20;

async function* storedRows(
  checkpoint: Checkpoint,
  tensor: string,
  numRows: number,
  rowLen: number,
): AsyncGenerator<Uint8Array> {
  const rowBytes = rowLen * bytesPerElement[checkpoint.dtypeOf(tensor)];
  for (const { start, end } of rowRanges({ start: 0, end: numRows }, rowBytes, blockBytes)) {
    yield checkpoint.readRowBytes(tensor, start, end);
  }
}

function progressOf(
  phase: CompileProgress['phase'],
  totalBytes: number,
  { onProgress, signal }: CompileHooks,
): (numBytes: number) => void {
  let doneBytes = 0;
  return (numBytes) => {
    signal?.throwIfAborted();
    doneBytes += numBytes;
    onProgress?.({ phase, doneBytes, totalBytes });
  };
}
