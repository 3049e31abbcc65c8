import type { ServedCompletion, ServedScore } from './served-api.js';

/** A token by the bytes it stands for, one character each: the API names no ids. */
export type TokenKey = string;

/** What was sampled at one step of an answer. */
export interface ServedStep {
  readonly token: TokenKey;
  readonly logprob: number;
  /** The most probable tokens, best first. */
  readonly top: readonly (readonly [TokenKey, number])[];
}

export function tokenKey(bytes: ArrayLike<number>): TokenKey {
  return Buffer.from(Array.from(bytes)).toString('latin1');
}

/** The steps of an answer that was asked for log-probabilities. */
export function stepsOf({ choices: [{ logprobs }] }: ServedCompletion): ServedStep[] {
  const scored = ({ bytes, logprob }: ServedScore) => [tokenKey(bytes), logprob] as const;
  return (logprobs?.content ?? []).map((step) => ({
    token: tokenKey(step.bytes),
    logprob: step.logprob,
    top: step.top_logprobs.map(scored),
  }));
}
