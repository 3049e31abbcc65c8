import type { Tokenizer } from '@tessera/qwen2-5-vl';
import { type TokenKey, tokenKey } from './served-answer.js';

/** Log-probabilities of one step by the reference. */
export interface ExpectedStep {
  readonly of: ReadonlyMap<TokenKey, number>;
  /** The highest ones, best first. */
  readonly best: readonly number[];
}

/** From the logits of all steps, row by row; rows beyond the tokenizer's tokens count, but are never chosen. */
export function expectedLogprobs(
  logits: Float32Array,
  numSteps: number,
  tokenizer: Tokenizer,
  numTop: number,
): ExpectedStep[] {
  const rowLen = logits.length / numSteps;
  const keys = Array.from({ length: tokenizer.numTokens }, (_, id) => tokenKey(tokenizer.tokenBytes(id)));
  return Array.from({ length: numSteps }, (_, step) => {
    const row = logits.subarray(step * rowLen, (step + 1) * rowLen);
    const total = logSumExp(row);
    const logprobs = Array.from(row.subarray(0, tokenizer.numTokens), (logit) => logit - total);
    return {
      of: new Map(logprobs.map((logprob, id) => [keys[id], logprob])),
      best: logprobs.toSorted((a, b) => b - a).slice(0, numTop),
    };
  });
}

function logSumExp(row: Float32Array): number {
  const max = row.reduce((a, b) => Math.max(a, b));
  return max + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
}
