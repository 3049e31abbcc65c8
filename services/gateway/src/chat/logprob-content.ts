import type { SampledToken } from '@tessera/domain';
import type { Tokenizer } from '@tessera/qwen2-5-vl';

interface TokenScore {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
}

/** One token of `choices[0].logprobs.content`, in OpenAI's shape. */
export interface LogprobContent extends TokenScore {
  readonly top_logprobs: readonly TokenScore[];
}

/** JSON has no −∞; OpenAI documents this in its stead. */
const leastLogprob = -9999;

/** A sampled token with its score and alternatives; undefined when the scheduler reported none. */
export function toLogprobContent(token: SampledToken, tokenizer: Tokenizer): LogprobContent | undefined {
  if (token.logprob === undefined) return undefined;
  return {
    ...toScore(token.tokenId, token.logprob, tokenizer),
    top_logprobs: (token.topLogprobs ?? []).map(({ tokenId, logprob }) => toScore(tokenId, logprob, tokenizer)),
  };
}

function toScore(tokenId: number, logprob: number, tokenizer: Tokenizer): TokenScore {
  const bytes = [...tokenizer.tokenBytes(tokenId)];
  return { token: tokenizer.decode([tokenId]), logprob: Math.max(logprob, leastLogprob), bytes };
}
