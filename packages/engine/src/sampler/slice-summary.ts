import { adjustLogits, isAdjusted } from './adjust-logits.js';
import { createRowNoise, type RowNoise } from './row-noise.js';
import { type Candidate, isUntruncated, type SamplingRow } from './sampling-row.js';
import { selectTop, selectTwo } from './top-candidates.js';

/** Candidates that a rank hands over of its slice; a row that needs more is gathered whole. */
export const maxCandidates = 256;

/** A rank's slice of one row, whole. Scores end before ids that pad the matrix; they may be the logits themselves. */
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
  /** Of the scores, without noise; absent when the arg max decides, which needs no probabilities. */
  readonly logSumExp?: number;
  /** Of the raw logits, with the best of them, when log-probabilities are asked for. */
  readonly raw?: { readonly logSumExp: number; readonly best: readonly Candidate[] };
}

/**
 * Scores of a slice of one logits row, ids `offset …`: (logit + bias, penalised, masked) / temperature; greedy leaves
 * them undivided. Where nothing changes a logit, the row is not copied.
 */
export function scoreSlice(logits: Float32Array, offset: number, row: SamplingRow, numTokens: number): Float32Array {
  const choosable = logits.subarray(0, Math.max(0, numTokens - offset));
  const { temperature } = row.params;
  const isUnscaled = temperature === 0 || temperature === 1;
  if (isUnscaled && !isAdjusted(row)) return choosable;
  const scores = Float32Array.from(choosable);
  adjustLogits(scores, offset, row);
  if (!isUnscaled) for (let i = 0; i < scores.length; i++) scores[i] /= temperature;
  return scores;
}

/** Summarises a slice from its raw logits and its scores. */
export function summarizeSlice({ logits, scores }: SliceValues, offset: number, row: SamplingRow): SliceSummary {
  const { numTopLogprobs } = row.params;
  const raw = numTopLogprobs === undefined ? undefined : summarizeRaw(logits, scores.length, offset, numTopLogprobs);
  const candidateOf = (i: number, score: number): Candidate => ({ tokenId: offset + i, logit: logits[i], score });
  if (isArgMax(row)) {
    const candidates = selectTwo(scores, noiseOf(row, offset), candidateOf);
    return { candidates, isComplete: candidates.length < 2, raw };
  }
  const candidates = selectTop(scores.length, maxCandidates, (i) => scores[i], candidateOf);
  return { candidates, isComplete: candidates.length < maxCandidates, logSumExp: logSumExp(scores), raw };
}

/** Greedy, or a sample of the whole distribution: the best noisy score wins. */
export function isArgMax({ params }: SamplingRow): boolean {
  return params.temperature === 0 || isUntruncated(params);
}

/** The noise of a sample of the whole distribution, by index in the slice; undefined when the choice is greedy. */
function noiseOf({ params, position }: SamplingRow, offset: number): RowNoise | undefined {
  if (params.temperature === 0) return undefined;
  const noise = createRowNoise(params.seed, params.choiceIndex, position);
  return (i, floor) => noise(offset + i, floor);
}

function summarizeRaw(logits: Float32Array, numChoosable: number, offset: number, numTop: number) {
  const best = selectTop(
    numChoosable,
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
