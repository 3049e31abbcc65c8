import { randomInt } from 'node:crypto';
import type { SamplingParams } from '@tessera/domain';
import type { GenerationConfig } from '@tessera/qwen2-5-vl';
import { assertInVocabulary } from '../tokenize/assert-in-vocabulary.js';
import type { ChatBody } from './chat-schema.js';

/** Below this a temperature is greedy in effect: checkpoints say 1e-6 for it. */
const greedyTemperature = 1e-5;

/** Sampling defaults that hold where the checkpoint's are ignored. */
export const neutralGeneration = { doSample: true } as const;

export interface SamplingSource {
  /** The checkpoint's defaults, or `neutralGeneration`. */
  readonly defaults: Pick<GenerationConfig, 'doSample' | 'temperature' | 'topP' | 'topK' | 'repetitionPenalty'>;
  readonly eosTokenIds: readonly number[];
  readonly numTokens: number;
}

/** How to sample the answer to `body`: its fields over the defaults; ServingError `invalid_field` for ids outside the vocabulary. */
export function resolveSampling(body: ChatBody, { defaults, eosTokenIds, numTokens }: SamplingSource): SamplingParams {
  const temperature = body.temperature ?? (defaults.doSample ? (defaults.temperature ?? 1) : 0);
  return Object.freeze({
    temperature: temperature < greedyTemperature ? 0 : temperature,
    topP: body.top_p ?? defaults.topP ?? 1,
    topK: Math.max(0, body.top_k ?? defaults.topK ?? 0),
    minP: body.min_p ?? 0,
    repetitionPenalty: body.repetition_penalty ?? defaults.repetitionPenalty ?? 1,
    presencePenalty: body.presence_penalty ?? 0,
    frequencyPenalty: body.frequency_penalty ?? 0,
    logitBias: toLogitBias(body.logit_bias, numTokens),
    stopTokenIds: toStopTokenIds(body, eosTokenIds, numTokens),
    minTokens: body.min_tokens ?? 0,
    numTopLogprobs: body.logprobs === true ? (body.top_logprobs ?? 0) : undefined,
    seed: body.seed ?? randomInt(2 ** 48 - 1),
    choiceIndex: 0,
  });
}

function toLogitBias(raw: ChatBody['logit_bias'], numTokens: number): ReadonlyMap<number, number> {
  return new Map(
    Object.entries(raw ?? {}).map(([key, bias]) => {
      assertInVocabulary(Number(key), numTokens, `logit_bias.${key}`);
      return [Number(key), bias];
    }),
  );
}

function toStopTokenIds(body: ChatBody, eosTokenIds: readonly number[], numTokens: number): readonly number[] {
  const asked = body.stop_token_ids ?? [];
  asked.forEach((id, i) => {
    assertInVocabulary(id, numTokens, `stop_token_ids[${i}]`);
  });
  return [...new Set([...(body.ignore_eos === true ? [] : eosTokenIds), ...asked])];
}
