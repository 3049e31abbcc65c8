import { type AdmittedSequence, embeddingKey, greedySampling, type LaneId, sequenceId } from '@tessera/domain';
import type { EvalPrompt } from './eval-prompts.js';

/** A prompt as a new sequence, followed by tokens of its answer that are known already; its visual is staged. */
export function admittedPrompt(
  { id, built }: EvalPrompt,
  lane: LaneId,
  answer: readonly number[] = [],
): AdmittedSequence {
  return {
    sequenceId: sequenceId(id),
    lane,
    tokenIds: Int32Array.from([...built.tokenIds, ...answer]),
    numPromptTokens: built.tokenIds.length,
    positions: built.positions,
    visuals: built.visuals.map(({ offset, numTokens }) => ({
      embeddingKey: embeddingKey(id),
      offset,
      length: numTokens,
    })),
    numCached: 0,
    pages: [],
    sampling: greedySampling,
  };
}
