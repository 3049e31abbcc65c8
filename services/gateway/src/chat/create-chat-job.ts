import type { GatewayContext } from '../gateway-context.js';
import { assertServedModel } from '../models/assert-served-model.js';
import { buildRequest } from './build-request.js';
import { cacheSaltOf } from './cache-salt.js';
import type { ChatBody } from './chat-schema.js';
import type { ChatJob } from './generate-answer.js';
import { preparePrompt } from './prepare-prompt.js';
import { neutralGeneration, resolveSampling } from './resolve-sampling.js';
import { withPrefix } from './with-prefix.js';

/** A job, and what gives back its media when the request ends. */
export interface OwnedChatJob {
  readonly job: ChatJob;
  release(): Promise<void>;
}

/**
 * Turns a validated body into a job that can run, once the cell serves; whatever is wrong with its content is a
 * ServingError.
 */
export async function createChatJob(
  id: string,
  body: ChatBody,
  receivedAtMs: number,
  context: GatewayContext,
  signal: AbortSignal,
): Promise<OwnedChatJob> {
  assertServedModel(body.model, context.model);
  const { processor, config, texts, generationMetrics } = context;
  const sampling = resolveSampling(body, {
    defaults: config.generationConfig === 'none' ? neutralGeneration : processor.generation,
    eosTokenIds: processor.generation.eosTokenIds,
    numTokens: processor.tokenizer.numTokens,
  });
  const { model } = await context.cell.whenReady(config.waitForCellMs, signal);
  const options = { addGenerationPrompt: body.add_generation_prompt ?? true, addVisionId: body.add_vision_id ?? false };
  const prepared = await preparePrompt(body.messages, options, { ...context, limits: model }, signal);
  try {
    const salt = cacheSaltOf(config.tenantSalt, body.cache_salt);
    const built = buildRequest(id, body, prepared, sampling, { model, salt, config });
    const { pageLen } = model;
    const request = config.prefixCache ? await withPrefix(built, { salt, pageLen }, texts, signal) : built;
    generationMetrics.recordMedia(prepared.media);
    generationMetrics.recordPrompt(request);
    const answer = {
      stopStrings: [body.stop ?? []].flat(),
      stopTokenIds: sampling.stopTokenIds,
      minTokens: sampling.minTokens,
      skipSpecialTokens: body.skip_special_tokens ?? true,
    };
    return { job: { request, media: prepared.media.resolved, answer, receivedAtMs }, release: prepared.media.release };
  } catch (error) {
    await prepared.media.release();
    throw error;
  }
}
