import { ServingError } from '@tessera/domain';
import {
  Checkpoint,
  type FloatDtype,
  type MetadataFile,
  metadataFiles,
  planBlockShard,
  type WeightForms,
  type WeightPlan,
  weightFormsOf,
} from '@tessera/onnx-graph';
import type { ModelConfig, TextConfig } from '@tessera/qwen2-5-vl';
import { listShards, type Shard } from './list-shards.js';
import {
  estimateMemory,
  type KvBytesByForm,
  kvBytesByForm,
  type MemoryEstimate,
  type MemoryOptions,
} from './memory-estimate.js';
import { countParameters, type ParameterCounts } from './parameter-counts.js';
import { matchPublished, type PublishedMatch } from './published-match.js';
import { type Quantization, quantizationOf } from './quantization-of.js';
import { tensorProblems, usedShapes } from './tensor-problems.js';

/** What the engine is asked for: forms of the weights, room for keys and values, and how much work at once. */
export interface InspectOptions extends Pick<MemoryOptions, 'kvCache' | 'work'> {
  readonly weights: WeightPlan;
}

/** What a checkpoint folder holds and what serving it takes. */
export interface Inspection {
  readonly dir: string;
  readonly config: ModelConfig;
  readonly shards: readonly Shard[];
  /** How matrices are packed; undefined when all tensors are floats. */
  readonly quantization: Quantization | undefined;
  /** Number of tensors of each element type, packed matrices left out. */
  readonly dtypes: Readonly<Partial<Record<FloatDtype, number>>>;
  readonly metadataFiles: readonly MetadataFile[];
  /** Of the tensors that the model uses. */
  readonly counts: ParameterCounts;
  readonly published: PublishedMatch;
  readonly kvBytesPerToken: KvBytesByForm;
  readonly memory: MemoryEstimate;
  readonly tensorParallelDegrees: readonly number[];
  /** Why this folder cannot be served, one sentence each. */
  readonly problems: readonly string[];
}

/**
 * Reads configuration and tensor headers of a folder, no weights. Throws the errors of `Checkpoint.open`; tensors that
 * do not fit the configuration are `problems` instead.
 */
export async function inspectCheckpoint(dir: string, options: InspectOptions): Promise<Inspection> {
  const checkpoint = await Checkpoint.open(dir);
  try {
    return await inspectOpened(checkpoint, options);
  } finally {
    await checkpoint.close();
  }
}

async function inspectOpened(checkpoint: Checkpoint, { weights, kvCache, work }: InspectOptions): Promise<Inspection> {
  const { dir, config, shapes } = checkpoint;
  const used = usedShapes(config, shapes);
  const counts = countParameters(used);
  const forms = weightFormsOf(checkpoint, weights);
  const present = await presentMetadata(checkpoint);
  const tokenizerFileBytes = (await checkpoint.readMetadata('tokenizer.json'))?.byteLength ?? 0;
  return {
    dir,
    config,
    shards: await listShards(dir),
    quantization: quantizationOf(checkpoint),
    dtypes: countDtypes(checkpoint),
    metadataFiles: present,
    counts,
    published: matchPublished(config, counts),
    kvBytesPerToken: kvBytesByForm(config.text),
    memory: estimateMemory(config, used, { weights: forms, kvCache, work, tokenizerFileBytes }),
    tensorParallelDegrees: possibleDegrees(config.text, forms),
    problems: [
      ...(present.includes('tokenizer.json') ? [] : ['missing: tokenizer.json']),
      ...tensorProblems(config, shapes),
    ],
  };
}

async function presentMetadata(checkpoint: Checkpoint): Promise<MetadataFile[]> {
  const contents = await Promise.all(metadataFiles.map((name) => checkpoint.readMetadata(name)));
  return metadataFiles.filter((_, i) => contents[i] !== undefined);
}

function countDtypes(checkpoint: Checkpoint): Partial<Record<FloatDtype, number>> {
  const numTensors: Partial<Record<FloatDtype, number>> = {};
  for (const name of checkpoint.shapes.keys()) {
    if (checkpoint.packed.has(name)) continue;
    const dtype = checkpoint.dtypeOf(name);
    numTensors[dtype] = (numTensors[dtype] ?? 0) + 1;
  }
  return numTensors;
}

/** Degrees that the compiler accepts with weights of these forms, ascending. */
function possibleDegrees(text: TextConfig, forms: WeightForms): number[] {
  const upToHeads = Array.from({ length: text.numHeads }, (_, i) => i + 1);
  return upToHeads.filter((numRanks) => canShard(text, forms, numRanks));
}

function canShard(text: TextConfig, forms: WeightForms, numRanks: number): boolean {
  try {
    planBlockShard(text, forms, numRanks, 0);
    return true;
  } catch (error) {
    if (error instanceof ServingError) return false;
    throw error;
  }
}
