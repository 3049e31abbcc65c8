import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { type PromptDeps, preparePrompt } from '../chat/prepare-prompt.js';
import type { GatewayContext } from '../gateway-context.js';
import { validate } from '../http/validate.js';
import { assertServedModel } from '../models/assert-served-model.js';
import { charactersOf } from '../text/text-desk.js';
import { assertInVocabulary } from './assert-in-vocabulary.js';
import { createTokenizeSchema, detokenizeSchema } from './tokenize-schema.js';

type TokenizeBody = z.output<ReturnType<typeof createTokenizeSchema>>;

/** `POST /tokenize` and `POST /detokenize`. Pictures of a conversation are measured, not encoded. */
export function registerTokenizeRoute(app: FastifyInstance, context: GatewayContext): void {
  const { processor, model, config, texts } = context;
  const schema = createTokenizeSchema(config.maxVisualPixels);

  app.post('/tokenize', async (request, reply) => {
    const body = validate(schema, request.body);
    assertServedModel(body.model, model);
    const { signal } = context.active.begin(reply.raw);
    const { model: limits } = await context.cell.whenKnown(config.waitForCellMs, signal);
    const tokens = await tokensOf(body, { ...context, limits }, signal);
    const errand = { numCharacters: charactersOf(tokens.length), signal };
    const hasStrings = body.return_token_strs === true;
    const answer = await texts.run('toTokenizeAnswer', [tokens, limits.maxContextLen, hasStrings], errand);
    return reply.type('application/json; charset=utf-8').send(answer);
  });

  app.post('/detokenize', async (request, reply) => {
    const { tokens, skip_special_tokens, model: asked } = validate(detokenizeSchema, request.body);
    assertServedModel(asked, model);
    const { numTokens } = processor.tokenizer;
    const unknown = tokens.findIndex((id) => id >= numTokens);
    if (unknown !== -1) assertInVocabulary(tokens[unknown]!, numTokens, `tokens[${unknown}]`);
    const { signal } = context.active.begin(reply.raw);
    const errand = { numCharacters: charactersOf(tokens.length), signal };
    const prompt = await texts.run('decode', [Int32Array.from(tokens), skip_special_tokens ?? false], errand);
    return { prompt };
  });
}

async function tokensOf(body: TokenizeBody, deps: PromptDeps, signal: AbortSignal): Promise<Int32Array> {
  if (body.messages == null) {
    const text = body.prompt ?? '';
    return deps.texts.run('encode', [text, body.parse_special === true], { numCharacters: text.length, signal });
  }
  const options = { addGenerationPrompt: body.add_generation_prompt ?? true, addVisionId: body.add_vision_id ?? false };
  const { prompt, media } = await preparePrompt(body.messages, options, deps, signal);
  await media.release();
  return prompt.tokenIds;
}
