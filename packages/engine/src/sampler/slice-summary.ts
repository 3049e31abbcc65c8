import { adjustLogits } from './adjust-logits.js';
import { createRowNoise } from './row-noise.js';
import { type Candidate, isUntruncated, type SamplingRow } from './sampling-row.js';
import { selectTop } from './top-candidates.js';

/** Candidates that a rank hands over of its slice; a row that needs more is gathered whole. */
export const maxCandidates = 256;

/** A rank's slice of one row, whole: raw logits and scores, both of the slice's length. */
export interface SliceValues {
  readonly logits: Float32Array;
  readonly scores: Float32Array;
}

/** What a rank says of its slice of one row: enough for every rank to make the same choice. */
export interface SliceSummary {
  /** Best first: two when the arg max decides, otherwise up to `maxCandidates`, without noise. */
  readonly candidates: readonly Candidate[];
  /** Every token of the slice that can be chosen is among the candidates. */
  readonly isComplete: boolean;
  /** Of the scores, without noise. */
  readonly logSumExp: number;
  /** Of the raw logits, with the best of them, when log-probabilities are asked for. */
  readonly raw?: { readonly logSumExp: number; readonly best: readonly Candidate[] };
}

/**
 * Scores of a slice of one logits row, ids `offset …`: (logit + bias, penalised, masked) / temperature; greedy leaves
 * them undivided.
 */
export function scoreSlice(logits: Float32Array, offset: number, row: SamplingRow, numTokens: number): Float32Array {
  const scores = Float32Array.from(logits);
  adjustLogits(scores, offset, row, numTokens);
  const { temperature } = row.params;
  if (temperature !== 0) for (let i = 0; i < scores.length; i++) scores[i] /= temperature;
  return scores;
}

/** Summarises a slice from its raw logits and its scores. */
export function summarizeSlice(
  { logits, scores }: SliceValues,
  offset: number,
  row: SamplingRow,
  numTokens: number,
): SliceSummary {
  const { numTopLogprobs } = row.params;
  const raw = numTopLogprobs === undefined ? undefined : summarizeRaw(logits, offset, numTopLogprobs, numTokens);
  const capacity = isArgMax(row) ? 2 : maxCandidates;
  const candidates = selectTop(scores.length, capacity, scorer(scores, offset, row), (i, score) => ({
    tokenId: offset + i,
    logit: logits[i],
    score,
  }));
  return { candidates, isComplete: candidates.length < capacity, logSumExp: logSumExp(scores), raw };
}

/** Greedy, or a sample of the whole distribution: the best noisy score wins. */
export function isArgMax({ params }: SamplingRow): boolean {
  return params.temperature === 0 || isUntruncated(params);
}

function scorer(scores: Float32Array, offset: number, row: SamplingRow): (i: number) => number {
  const { temperature, seed, choiceIndex } = row.params;
  if (temperature === 0 || !isUntruncated(row.params)) return (i) => scores[i];
  const noise = createRowNoise(seed, choiceIndex, row.position);
  return (i) => (scores[i] === Number.NEGATIVE_INFINITY ? scores[i] : scores[i] + noise(offset + i));
}

function summarizeRaw(logits: Float32Array, offset: number, numTop: number, numTokens: number) {
  const best = selectTop(
    Math.min(logits.length, Math.max(0, numTokens - offset)),
    Math.max(1, numTop),
    (i) => logits[i],
    (i, score) => ({ tokenId: offset + i, logit: score, score }),
  );
  return { logSumExp: logSumExp(logits), best };
}

export function logSumExp(values: ArrayLike<number>): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) if (values[i] > max) max = values[i];
  if (max === Number.NEGATIVE_INFINITY) return max;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i] - max);
  return max + Math.log(sum);
}
