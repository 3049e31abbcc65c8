import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { preparePrompt } from '../chat/prepare-prompt.js';
import type { GatewayContext } from '../gateway-context.js';
import { validate } from '../http/validate.js';
import { assertServedModel } from '../models/assert-served-model.js';
import { charactersOf } from '../text/text-desk.js';
import { assertInVocabulary } from './assert-in-vocabulary.js';
import { createTokenizeSchema, detokenizeSchema } from './tokenize-schema.js';

type TokenizeBody = z.output<ReturnType<typeof createTokenizeSchema>>;

/** `POST /tokenize` and `POST /detokenize`. Pictures of a conversation are measured, not encoded. */
export function registerTokenizeRoute(app: FastifyInstance, context: GatewayContext): void {
  const { processor, model, config } = context;
  const schema = createTokenizeSchema(config.maxVisualPixels);

  app.post('/tokenize', async (request, reply) => {
    const body = validate(schema, request.body);
    assertServedModel(body.model, model);
    const { signal } = context.active.begin(reply.raw);
    const tokens = await tokensOf(body, context, signal);
    const errand = { numCharacters: charactersOf(tokens.length), signal };
    const strings = body.return_token_strs === true ? await context.texts.run('decodeEach', [tokens], errand) : null;
    return { count: tokens.length, max_model_len: model.maxContextLen, tokens: [...tokens], token_strs: strings };
  });

  app.post('/detokenize', async (request) => {
    const { tokens, skip_special_tokens, model: asked } = validate(detokenizeSchema, request.body);
    assertServedModel(asked, model);
    const { tokenizer } = processor;
    tokens.forEach((id, i) => {
      assertInVocabulary(id, tokenizer.numTokens, `tokens[${i}]`);
    });
    return { prompt: tokenizer.decode(tokens, { skipSpecialTokens: skip_special_tokens ?? false }) };
  });
}

async function tokensOf(body: TokenizeBody, context: GatewayContext, signal: AbortSignal): Promise<Int32Array> {
  if (body.messages == null) {
    const text = body.prompt ?? '';
    return context.texts.run('encode', [text, body.parse_special === true], { numCharacters: text.length, signal });
  }
  const options = { addGenerationPrompt: body.add_generation_prompt ?? true, addVisionId: body.add_vision_id ?? false };
  const { prompt, media } = await preparePrompt(body.messages, options, context, signal);
  await media.release();
  return prompt.tokenIds;
}
