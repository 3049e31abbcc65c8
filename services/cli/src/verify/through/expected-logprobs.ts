import type { Tokenizer } from '@tessera/qwen2-5-vl';
import type { GoldenCase } from '../golden-folder.js';
import { type TokenKey, tokenKey } from './served-answer.js';

/** Log-probabilities of one step by the reference. */
export interface ExpectedStep {
  readonly of: ReadonlyMap<TokenKey, number>;
  /** The highest ones, best first. */
  readonly best: readonly number[];
}

/** One for each row of logits; columns beyond the tokenizer's tokens count, but are never chosen. */
export function expectedLogprobs(rows: readonly Float32Array[], tokenizer: Tokenizer, numTop: number): ExpectedStep[] {
  const keys = Array.from({ length: tokenizer.numTokens }, (_, id) => tokenKey(tokenizer.tokenBytes(id)));
  return rows.map((row) => {
    const total = logSumExp(row);
    const logprobs = Array.from(row.subarray(0, tokenizer.numTokens), (logit) => logit - total);
    return {
      of: new Map(logprobs.map((logprob, id) => [keys[id], logprob])),
      best: logprobs.toSorted((a, b) => b - a).slice(0, numTop),
    };
  });
}

/** Logits of the answer's leading steps, as many as the reference has. */
export function logitRows({ tensors, record }: GoldenCase): Float32Array[] {
  const all = tensors.get('decode_logits');
  const first = tensors.get('logits_last');
  if (!all) return first ? [first] : [];
  const rowLen = all.length / record.greedy_tokens.length;
  return record.greedy_tokens.map((_, step) => all.subarray(step * rowLen, (step + 1) * rowLen));
}

function logSumExp(row: Float32Array): number {
  const max = row.reduce((a, b) => Math.max(a, b));
  return max + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
}
