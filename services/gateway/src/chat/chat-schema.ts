import { z } from 'zod';
import type { GatewayConfig } from '../config.js';
import { createMessagesSchema, isEmptyArray, unsupported } from './message-schema.js';

const tokenId = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const maxBiases = 1024;
const flag = z.boolean().nullish();
const penalty = z.number().min(-2).max(2).nullish();
const stopString = z.string().min(1).max(1024);

/** Fields of OpenAI and vLLM that are known and not served: only the value that asks for nothing is accepted. */
const refusedFields = {
  n: unsupported('only one choice a request is supported', (value) => value === 1),
  best_of: unsupported('only one choice a request is supported', (value) => value === 1),
  response_format: unsupported('only {"type":"text"} is supported', isTextFormat),
  tools: unsupported('tools are not supported', isEmptyArray),
  tool_choice: unsupported('tools are not supported', (value) => value === 'none'),
  functions: unsupported('functions are not supported', isEmptyArray),
  function_call: unsupported('functions are not supported', (value) => value === 'none'),
  modalities: unsupported(
    'only ["text"] is supported',
    (value) => Array.isArray(value) && value.every((item) => item === 'text'),
  ),
  audio: unsupported('audio is not supported'),
  prediction: unsupported('predicted outputs are not supported'),
  web_search_options: unsupported('web search is not supported'),
  reasoning_effort: unsupported('this model does not reason apart from its answer', (value) => value === 'none'),
  store: unsupported('answers are not stored', (value) => value === false),
  guided_json: unsupported('constrained answers are not supported'),
  guided_regex: unsupported('constrained answers are not supported'),
  guided_choice: unsupported('constrained answers are not supported'),
  guided_grammar: unsupported('constrained answers are not supported'),
};

/** Body of `POST /v1/chat/completions`; null stands for an absent field. */
export function createChatSchema(config: Pick<GatewayConfig, 'maxVisualPixels' | 'maxStopStrings'>) {
  return z
    .strictObject({
      model: z.string().nullish().describe('The served model, which is also the default.'),
      messages: createMessagesSchema(config.maxVisualPixels),
      stream: flag,
      stream_options: z.strictObject({ include_usage: flag }).nullish(),
      max_tokens: z.int().min(1).nullish(),
      max_completion_tokens: z.int().min(1).nullish().describe('The same as max_tokens.'),
      min_tokens: z.int().min(0).nullish(),
      temperature: z.number().min(0).max(2).nullish(),
      top_p: z.number().gt(0).max(1).nullish(),
      top_k: z
        .int()
        .min(-1)
        .max(2 ** 31 - 1)
        .nullish()
        .describe('0 and -1 keep all tokens.'),
      min_p: z.number().min(0).max(1).nullish(),
      presence_penalty: penalty,
      frequency_penalty: penalty,
      repetition_penalty: z.number().gt(0).max(2).nullish(),
      logit_bias: z
        .record(z.string().regex(/^\d{1,9}$/, 'keys are token ids'), z.number().min(-100).max(100))
        .refine((bias) => Object.keys(bias).length <= maxBiases, { error: `expected at most ${maxBiases} entries` })
        .nullish(),
      seed: z.int().min(0).nullish(),
      stop: z.union([stopString, z.array(stopString).max(config.maxStopStrings)]).nullish(),
      stop_token_ids: z.array(tokenId).max(128).nullish(),
      ignore_eos: flag,
      logprobs: flag,
      top_logprobs: z.int().min(0).max(20).nullish(),
      skip_special_tokens: flag,
      add_generation_prompt: flag,
      add_vision_id: flag.describe('Precede each picture with "Picture 1: " and so on.'),
      priority: z.int().min(-100).max(100).nullish().describe('Higher runs first; 0 by default.'),
      cache_salt: z
        .string()
        .min(1)
        .max(1024)
        .nullish()
        .describe('Share cached prompts and pictures only with requests of the same salt.'),
      user: z.string().nullish().describe('Accepted and not used.'),
      metadata: z.record(z.string(), z.string()).nullish().describe('Accepted and not used.'),
      service_tier: z.enum(['auto', 'default']).nullish().describe('Accepted and not used.'),
      parallel_tool_calls: flag.describe('Accepted and not used.'),
      ...refusedFields,
    })
    .refine(({ max_tokens: a, max_completion_tokens: b }) => a == null || b == null || a === b, {
      error: 'differs from max_completion_tokens',
      path: ['max_tokens'],
    })
    .refine(({ logprobs, top_logprobs }) => top_logprobs == null || logprobs === true, {
      error: 'needs logprobs: true',
      path: ['top_logprobs'],
    })
    .refine(({ stream, stream_options }) => stream_options == null || stream === true, {
      error: 'needs stream: true',
      path: ['stream_options'],
    });
}

export type ChatBody = z.output<ReturnType<typeof createChatSchema>>;

function isTextFormat(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length === 1 &&
    Reflect.get(value, 'type') === 'text'
  );
}
