import type { SamplingRow } from './sampling-row.js';

/**
 * Applies, in place, bias, penalties and masks to a rank's slice of one logits row: ids `offset … offset + length − 1`.
 * Ids from `numTokens` on are rows that pad the matrix and never chosen.
 */
export function adjustLogits(logits: Float32Array, offset: number, row: SamplingRow, numTokens: number): void {
  const { params, promptIds, outputCounts, numOutputTokens } = row;
  const update = (tokenId: number, change: (logit: number) => number): void => {
    const i = tokenId - offset;
    if (i >= 0 && i < logits.length) logits[i] = change(logits[i]);
  };
  for (const [tokenId, bias] of params.logitBias) update(tokenId, (logit) => logit + bias);
  if (params.repetitionPenalty !== 1) {
    const penalise = (logit: number): number =>
      logit > 0 ? logit / params.repetitionPenalty : logit * params.repetitionPenalty;
    for (const tokenId of new Set([...promptIds, ...outputCounts.keys()])) update(tokenId, penalise);
  }
  if (params.presencePenalty !== 0 || params.frequencyPenalty !== 0) {
    for (const [tokenId, count] of outputCounts) {
      update(tokenId, (logit) => logit - params.presencePenalty - count * params.frequencyPenalty);
    }
  }
  if (numOutputTokens < params.minTokens) {
    for (const tokenId of params.stopTokenIds) update(tokenId, () => Number.NEGATIVE_INFINITY);
  }
  logits.fill(Number.NEGATIVE_INFINITY, Math.max(0, numTokens - offset));
}
