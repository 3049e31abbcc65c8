import type { SamplingRow } from './sampling-row.js';

/** Whether any logit of the row changes. */
export function isAdjusted({ params, numOutputTokens }: SamplingRow): boolean {
  const { logitBias, repetitionPenalty, presencePenalty, frequencyPenalty, minTokens } = params;
  const isPenalised = repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0;
  return isPenalised || logitBias.size > 0 || numOutputTokens < minTokens;
}

/**
 * Applies, in place, bias, penalties and masks to a rank's slice of one logits row: ids `offset … offset + length − 1`.
 */
export function adjustLogits(logits: Float32Array, offset: number, row: SamplingRow): void {
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
}
