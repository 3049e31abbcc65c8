import { createHash } from 'node:crypto';
import type { ModelConfig } from '@tessera/qwen2-5-vl';
import type { FloatDtype } from '../checkpoint/float-formats.js';
import type { DecoderCut } from '../graphs/decoder-graphs.js';
import type { ShardPlan } from '../graphs/shard-plan.js';
import type { WeightLocation, WrittenFile } from '../onnx/weight-file.js';
import type { WeightForms } from '../weights/weight-forms.js';
import { type WeightPlan, weightParts } from '../weights/weight-plan.js';

/** Raised whenever graphs or layout change, so that older engines are compiled anew. */
export const engineFormatVersion = 4;

/** What a compilation may choose; the same checkpoint and options give the same engine. */
export interface EngineOptions {
  readonly weights: WeightPlan;
  /** Tensor-parallel degree R. */
  readonly numRanks: number;
  /** Cut the decoder at the all-reduces even for one rank. */
  readonly cut: DecoderCut;
  /** Let the tower output every block, for parity checks. */
  readonly hasTaps: boolean;
}

/** The engine that serves: cut at the all-reduces only where there is more than one rank, without taps. */
export function servingOptions(weights: WeightPlan, numRanks: number): EngineOptions {
  return { weights, numRanks, cut: numRanks === 1 ? 'attention' : 'allReduce', hasTaps: false };
}

/** The index of an engine directory; paths are relative to it. */
export interface EngineManifest {
  readonly formatVersion: number;
  /** SHA-256 of the checkpoint's content. */
  readonly modelRevision: string;
  readonly options: EngineOptions;
  readonly config: ModelConfig;
  /** The forms that the graphs were built with. */
  readonly forms: WeightForms;
  readonly encoder: EncoderManifest;
  readonly decoder: { readonly ranks: readonly RankManifest[] };
  readonly embedding: EmbeddingManifest;
  readonly files: readonly EngineFile[];
  /** Result of the row-invariance probe, per operation; absent until it ran. */
  readonly rowInvariance?: RowInvariance;
}

export interface EncoderManifest {
  /** Patches of two frames to rows of the tower. */
  readonly patchEmbed: string;
  /** Patches of stills to rows of the tower. */
  readonly stillPatchEmbed: string;
  readonly tower: string;
  readonly weights: WeightIndex;
}

export interface RankManifest {
  readonly shard: ShardPlan;
  /** Graphs in the order of a step; the last is the head. */
  readonly graphs: readonly string[];
  readonly weights: WeightIndex;
  /** The layers once more, for steps of few rows, in a decoder kept twice. */
  readonly fewRows?: FewRowsManifest;
}

export interface FewRowsManifest {
  /** Steps of more rows than this take the other graphs. */
  readonly maxRows: number;
  /** In place of all graphs but the head. */
  readonly graphs: readonly string[];
  readonly weights: WeightIndex;
}

/** Where each weight of a part lies in the `weights.bin` beside its graphs. */
export interface WeightIndex {
  readonly file: string;
  readonly locations: Readonly<Record<string, WeightLocation>>;
}

/** The embedding table, unsharded, rows as the checkpoint stores them. */
export interface EmbeddingManifest {
  readonly file: string;
  readonly dtype: FloatDtype;
  readonly numRows: number;
  readonly rowLen: number;
}

export interface EngineFile extends WrittenFile {
  readonly path: string;
}

/** Whether one row's result is bit-equal whatever the other rows are (architecture §3.5). */
export interface RowInvariance {
  readonly numThreads: number;
  /** All operations of the decoder are, at any number of rows; never where the number of rows chooses the form. */
  readonly isDecoderInvariant: boolean;
  /** All operations of the decoder are among `rowTile` rows. */
  readonly isTileInvariant: boolean;
  readonly ops: readonly OpInvariance[];
}

/** Rows a deterministic engine runs at a time. */
export const rowTile = 16;

export interface OpInvariance {
  readonly part: 'decoder' | 'encoder';
  readonly op: string;
  readonly k: number;
  readonly n: number;
  readonly dtype: string;
  readonly isRowInvariant: boolean;
  /** Among `rowTile` rows, the result does not depend on the others or on the slot. */
  readonly isTileInvariant: boolean;
  /** Row counts whose result differs from that of one row alone. */
  readonly differingRowCounts: readonly number[];
}

/** Name of the engine directory for a checkpoint and options. */
export function engineKey(modelRevision: string, options: EngineOptions): string {
  const { weights, numRanks, cut, hasTaps } = options;
  const forms = weightParts.map((part) => weights[part]);
  const identity = JSON.stringify([engineFormatVersion, modelRevision, forms, numRanks, cut, hasTaps]);
  return createHash('sha256').update(identity).digest('hex').slice(0, 32);
}
