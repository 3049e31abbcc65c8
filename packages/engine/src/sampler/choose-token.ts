import type { TokenLogprob } from '@tessera/domain';
import { createRowNoise } from './row-noise.js';
import { type Candidate, compareCandidates, type SamplingRow } from './sampling-row.js';
import { isArgMax, logSumExp, type SliceSummary, type SliceValues } from './slice-summary.js';

export interface Choice {
  readonly tokenId: number;
  /** Lead over the runner-up in units of a logit; Infinity without one. */
  readonly decisionMargin: number;
  readonly logprob?: number;
  readonly topLogprobs?: readonly TokenLogprob[];
}

/** Whether a row has a token to choose: not when all its logits are masked or not numbers, or the best is infinite. */
export function isChoosable(summaries: readonly SliceSummary[]): boolean {
  const bests = summaries.flatMap(({ candidates }) => candidates.slice(0, 1));
  return bests.length > 0 && bests.every(({ score }) => score < Number.POSITIVE_INFINITY);
}

/**
 * Chooses the token of a choosable row from the summaries of all ranks, in rank order. Undefined when the candidates
 * don't carry enough to be exact: then the row must be gathered whole (`wholeRow`).
 */
export function chooseToken(summaries: readonly SliceSummary[], row: SamplingRow): Choice | undefined {
  const merged = summaries.flatMap(({ candidates }) => candidates).sort(compareCandidates);
  if (isArgMax(row)) return describe(merged, summaries, row);
  const kept = keepMostProbable(merged, summaries, row);
  if (!kept) return undefined;
  const noise = createRowNoise(row.params.seed, row.params.choiceIndex, row.position);
  const noisy = kept.map((candidate) => ({ ...candidate, score: candidate.score + noise(candidate.tokenId) }));
  return describe(noisy.sort(compareCandidates), summaries, row);
}

/** Complete summaries of a row whose slices were gathered from all ranks, so that the choice is exact. */
export function wholeRow(slices: readonly SliceValues[], summaries: readonly SliceSummary[]): SliceSummary[] {
  let offset = 0;
  return slices.map(({ logits, scores }, rank) => {
    const firstId = offset;
    offset += logits.length;
    const candidates = Array.from(scores, (score, i) => ({ tokenId: firstId + i, logit: logits[i], score }));
    return {
      ...summaries[rank],
      isComplete: true,
      candidates: candidates.filter(({ score }) => score > Number.NEGATIVE_INFINITY),
    };
  });
}

/**
 * Top-k, then top-p over what is left, then min-p (the order of the reference's logits warpers). `merged` is best
 * first; behind the last candidate of a rank there may be better ones that it did not hand over.
 */
function keepMostProbable(
  merged: readonly Candidate[],
  summaries: readonly SliceSummary[],
  { params }: SamplingRow,
): readonly Candidate[] | undefined {
  const lasts = summaries.flatMap(({ isComplete, candidates }) => (isComplete ? [] : candidates.slice(-1)));
  const isAll = lasts.length === 0;
  const exact = merged.filter((candidate) => lasts.every((last) => compareCandidates(candidate, last) <= 0));
  if (params.topK > 0 && exact.length < params.topK && !isAll) return undefined;
  const top = params.topK > 0 ? exact.slice(0, params.topK) : exact;
  const isCut = params.topK > 0 || isAll;
  const total = isCut
    ? logSumExp(top.map((c) => c.score))
    : logSumExp(summaries.map((s) => s.logSumExp ?? Number.NEGATIVE_INFINITY));
  const nucleus = takeMass(top, total, params.topP);
  if (!nucleus && !isCut && !isBelow(top.at(-1), top[0], params.minP)) return undefined;
  return (nucleus ?? top).filter((candidate) => !isBelow(candidate, top[0], params.minP));
}

/** The smallest leading part with at least the share `topP` of the mass; undefined when there is not so much. */
function takeMass(candidates: readonly Candidate[], total: number, topP: number): readonly Candidate[] | undefined {
  // The whole mass is all tokens: a sum would reach 1 before the least probable of them.
  if (topP >= 1) return undefined;
  let mass = 0;
  for (const [i, { score }] of candidates.entries()) {
    mass += Math.exp(score - total);
    if (mass >= topP) return candidates.slice(0, i + 1);
  }
  return undefined;
}

function isBelow(candidate: Candidate | undefined, best: Candidate, minP: number): boolean {
  return candidate !== undefined && minP > 0 && candidate.score < best.score + Math.log(minP);
}

function describe(ranked: readonly Candidate[], summaries: readonly SliceSummary[], { params }: SamplingRow): Choice {
  const [best, second] = ranked;
  const unit = params.temperature === 0 ? 1 : params.temperature;
  const decisionMargin = second ? (best.score - second.score) * unit : Number.POSITIVE_INFINITY;
  if (params.numTopLogprobs === undefined) return { tokenId: best.tokenId, decisionMargin };
  const raw = mergeRaw(summaries);
  const topLogprobs = raw.best
    .slice(0, params.numTopLogprobs)
    .map(({ tokenId, logit }) => ({ tokenId, logprob: logit - raw.logSumExp }));
  return { tokenId: best.tokenId, decisionMargin, logprob: best.logit - raw.logSumExp, topLogprobs };
}

function mergeRaw(summaries: readonly SliceSummary[]) {
  const raws = summaries.flatMap(({ raw }) => raw ?? []);
  return {
    logSumExp: logSumExp(raws.map((raw) => raw.logSumExp)),
    best: raws.flatMap(({ best }) => best).sort(compareCandidates),
  };
}
