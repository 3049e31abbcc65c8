import { type CellModel, type Request, requestId, type SamplingParams, ServingError } from '@tessera/domain';
import type { GatewayConfig } from '../config.js';
import { embeddingKeyOf } from '../media/embedding-key.js';
import type { ChatBody } from './chat-schema.js';
import type { PreparedPrompt } from './prepare-prompt.js';
import { segmentPrompt } from './segments.js';

/** The one tenant of a gateway without authentication. */
const tenant = 'default';

export interface RequestContext {
  readonly model: Pick<CellModel, 'revision' | 'maxContextLen'>;
  /** Beside model and tenant, what keeps the embeddings of one client from another. */
  readonly salt: string;
  readonly config: Pick<GatewayConfig, 'defaultMaxTokens'>;
}

/** The domain's Request for a validated body, without a prefix; `id` is unique to it. ServingError `invalid_field` for impossible lengths. */
export function buildRequest(
  id: string,
  body: ChatBody,
  { prompt, media }: PreparedPrompt,
  sampling: SamplingParams,
  { model, salt, config }: RequestContext,
): Request {
  const keySalt = { tenant, salt, modelRevision: model.revision };
  const keys = media.resolved.map(({ visual, source }) => embeddingKeyOf(visual, source.sha256, keySalt));
  return Object.freeze({
    requestId: requestId(id),
    attempt: 0,
    modelRevision: model.revision,
    tenant,
    class: 'interactive',
    priority: body.priority ?? 0,
    tokenIds: prompt.tokenIds,
    resumeTokens: [],
    segments: segmentPrompt(prompt, keys),
    positions: prompt.positions,
    sampling,
    maxTokens: maxTokensOf(body, config.defaultMaxTokens, model.maxContextLen - prompt.tokenIds.length),
    stopTokenIds: sampling.stopTokenIds,
    deadlineMs: undefined,
    prefix: undefined,
    numMediaBytes: media.resolved.reduce((sum, { source }) => sum + source.numBytes, 0),
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
