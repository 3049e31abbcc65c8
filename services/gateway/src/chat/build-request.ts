import { type Request, requestId, type SamplingParams, ServingError } from '@tessera/domain';
import type { ServedModel } from '../gateway-deps.js';
import { embeddingKeyOf } from '../media/embedding-key.js';
import type { ChatBody } from './chat-schema.js';
import type { PreparedPrompt } from './prepare-prompt.js';
import { segmentPrompt } from './segments.js';

/** The one tenant of a gateway without authentication. */
const tenant = 'default';

export interface RequestContext {
  readonly model: Pick<ServedModel, 'revision' | 'maxContextLen'>;
  readonly tenantSalt: string;
}

/** The domain's Request for a validated body; `id` is unique to it. ServingError `invalid_field` for impossible lengths. */
export function buildRequest(
  id: string,
  body: ChatBody,
  { prompt, media }: PreparedPrompt,
  sampling: SamplingParams,
  { model, tenantSalt }: RequestContext,
): Request {
  const salt = { tenant, tenantSalt, modelRevision: model.revision };
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
    maxTokens: maxTokensOf(body, model.maxContextLen - prompt.tokenIds.length),
    stopTokenIds: sampling.stopTokenIds,
    deadlineMs: undefined,
  });
}

/** What the client asked for, at most the rest of the context. */
function maxTokensOf(body: ChatBody, remainingLen: number): number {
  const maxTokens = Math.min(body.max_completion_tokens ?? body.max_tokens ?? remainingLen, remainingLen);
  if ((body.min_tokens ?? 0) <= maxTokens) return maxTokens;
  const message = `min_tokens: ${body.min_tokens} tokens are more than the ${maxTokens} that the answer may have`;
  throw new ServingError('invalid_field', message, { field: 'min_tokens', limit: maxTokens });
}
