/** How the next token is chosen. Frozen once a request is validated. */
export interface SamplingParams {
  /** 0 is greedy; otherwise logits are divided by it. Default 1. */
  readonly temperature: number;
  /** Keep the smallest set of tokens whose probabilities sum to at least this, 0 < topP ≤ 1. Default 1. */
  readonly topP: number;
  /** Keep the k most probable tokens; 0 keeps all. Default 0. */
  readonly topK: number;
  /** Keep tokens at least this fraction as probable as the best one, 0 … 1. Default 0. */
  readonly minP: number;
  /** Over the set of ids in prompt and output: positive logits are divided by it, negative ones multiplied. Default 1. */
  readonly repetitionPenalty: number;
  /** Subtracted once from the logit of every id already in the output, −2 … 2. Default 0. */
  readonly presencePenalty: number;
  /** Subtracted once per occurrence in the output, −2 … 2. Default 0. */
  readonly frequencyPenalty: number;
  /** Added to the logit of an id before anything else. */
  readonly logitBias: ReadonlyMap<number, number>;
  /** Ids that cannot be sampled before `minTokens` tokens are out. */
  readonly stopTokenIds: readonly number[];
  readonly minTokens: number;
  /** Number of alternatives to report with the token's own log-probability; undefined reports none. At most 20. */
  readonly numTopLogprobs: number | undefined;
  /** Key of the counter noise: the same seed, choice index, position and logits give the same token. 0 … 2^53 − 1. */
  readonly seed: number;
  readonly choiceIndex: number;
}

export const greedySampling: SamplingParams = Object.freeze({
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: new Map(),
  stopTokenIds: [],
  minTokens: 0,
  numTopLogprobs: undefined,
  seed: 0,
  choiceIndex: 0,
});
