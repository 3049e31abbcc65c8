import { type Request, requestId, type SamplingParams, ServingError } from '@tessera/domain';
import type { GatewayConfig } from '../config.js';
import type { ServedModel } from '../gateway-deps.js';
import { embeddingKeyOf } from '../media/embedding-key.js';
import type { ChatBody } from './chat-schema.js';
import type { PreparedPrompt } from './prepare-prompt.js';
import { segmentPrompt } from './segments.js';

/** The one tenant of a gateway without authentication. */
const tenant = 'default';

export interface RequestContext {
  readonly model: Pick<ServedModel, 'revision' | 'maxContextLen'>;
  readonly config: Pick<GatewayConfig, 'tenantSalt' | 'defaultMaxTokens'>;
}

/** The domain's Request for a validated body; `id` is unique to it. ServingError `invalid_field` for impossible lengths. */
export function buildRequest(
  id: string,
  body: ChatBody,
  { prompt, media }: PreparedPrompt,
  sampling: SamplingParams,
  { model, config }: RequestContext,
): Request {
  const salt = { tenant, tenantSalt: config.tenantSalt, modelRevision: model.revision };
  const keys = media.resolved.map(({ visual, source }) => embeddingKeyOf(visual, source.sha256, salt));
  return Object.freeze({
    requestId: requestId(id),
    attempt: 0,
    modelRevision: model.revision,
    tenant,
    class: 'interactive',
    tokenIds: prompt.tokenIds,
    resumeTokens: [],
    segments: segmentPrompt(prompt, keys),
    positions: prompt.positions,
    sampling,
    maxTokens: maxTokensOf(body, config.defaultMaxTokens, model.maxContextLen - prompt.tokenIds.length),
    stopTokenIds: sampling.stopTokenIds,
    deadlineMs: undefined,
  });
}

/** What the client asked for or, if nothing, the default and at least `min_tokens`; at most the rest of the context. */
function maxTokensOf(body: ChatBody, defaultMaxTokens: number, remainingLen: number): number {
  const minTokens = body.min_tokens ?? 0;
  const wanted = body.max_completion_tokens ?? body.max_tokens ?? Math.max(defaultMaxTokens, minTokens);
  const maxTokens = Math.min(wanted, remainingLen);
  if (minTokens <= maxTokens) return maxTokens;
  const message = `min_tokens: ${minTokens} tokens are more than the ${maxTokens} that the answer may have`;
  throw new ServingError('invalid_field', message, { field: 'min_tokens', limit: maxTokens });
}
