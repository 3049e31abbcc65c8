import type { SamplingParams } from '@tessera/domain';

/** What one row's choice depends on beside its logits. */
export interface SamplingRow {
  readonly params: SamplingParams;
  /** Index in its sequence of the token to be chosen. */
  readonly position: number;
  readonly numOutputTokens: number;
  readonly promptIds: ReadonlySet<number>;
  readonly outputCounts: ReadonlyMap<number, number>;
}

/** A token with its raw logit and its score: adjusted, divided by the temperature, with noise where that applies. */
export interface Candidate {
  readonly tokenId: number;
  readonly logit: number;
  readonly score: number;
}

/** Best first; ties go to the lowest id. */
export function compareCandidates(a: Candidate, b: Candidate): number {
  return b.score - a.score || a.tokenId - b.tokenId;
}

/** Nothing is cut off: the choice is the arg max of score plus noise over the whole vocabulary. */
export function isUntruncated({ topK, topP, minP }: SamplingParams): boolean {
  return topK === 0 && topP >= 1 && minP === 0;
}
