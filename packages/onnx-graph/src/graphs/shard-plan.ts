import { ServingError } from '@tessera/domain';
import type { TextConfig } from '@tessera/qwen2-5-vl';
import type { Range } from '../checkpoint/weight-slice.js';

/** What one rank keeps of the decoder (architecture §3.1). */
export interface ShardPlan {
  readonly rank: number;
  readonly numRanks: number;
  /** Query heads; they attend to exactly `kvHeads`. */
  readonly heads: Range;
  /** Key and value heads; with more ranks than KV heads each is kept by numRanks / numKvHeads ranks. */
  readonly kvHeads: Range;
  /** Rows of gate and up, columns of down: the part that exists. */
  readonly intermediate: Range;
  /** Size of that part with its zero padding: the same on every rank, and whole quantisation blocks. */
  readonly paddedIntermediate: number;
  /** Rows of the head; the last rank's part may be shorter. */
  readonly vocab: Range;
}

const defaultBlockLen = 32;

/** Throws `tensor_parallel_degree` when the model cannot be split that way. */
export function planShard(text: TextConfig, numRanks: number, rank: number, blockLen = defaultBlockLen): ShardPlan {
  assertDegree(text, numRanks);
  const { numHeads, numKvHeads, intermediateSize, vocabSize } = text;
  const paddedIntermediate = ceilTo(intermediateSize, blockLen * numRanks) / numRanks;
  return {
    rank,
    numRanks,
    heads: part(numHeads, numHeads / numRanks, rank),
    kvHeads: kvPart(numKvHeads, numRanks, rank),
    intermediate: part(intermediateSize, paddedIntermediate, rank),
    paddedIntermediate,
    vocab: part(vocabSize, Math.ceil(vocabSize / numRanks), rank),
  };
}

function assertDegree({ numHeads, numKvHeads }: TextConfig, numRanks: number): void {
  const isDegree = Number.isInteger(numRanks) && numRanks >= 1;
  const divides = isDegree && numHeads % numRanks === 0 && (numKvHeads % numRanks === 0 || numRanks % numKvHeads === 0);
  if (divides) return;
  throw new ServingError(
    'tensor_parallel_degree',
    `--tp ${numRanks}: the degree must divide the ${numHeads} attention heads, and it and the ${numKvHeads} KV heads must divide one another.`,
    { numRanks, numHeads, numKvHeads },
  );
}

function kvPart(numKvHeads: number, numRanks: number, rank: number): Range {
  if (numKvHeads >= numRanks) return part(numKvHeads, numKvHeads / numRanks, rank);
  const head = Math.floor((rank * numKvHeads) / numRanks);
  return { start: head, end: head + 1 };
}

function part(total: number, size: number, index: number): Range {
  return { start: Math.min(total, index * size), end: Math.min(total, (index + 1) * size) };
}

function ceilTo(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
