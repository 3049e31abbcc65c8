import { embeddingKey, type MropePositions, type Request, requestId, type Segment } from '@tessera/domain';
import { mropePositions, type PromptRun } from '@tessera/qwen2-5-vl';
import { createSamplingParams } from './create-sampling-params.js';
import { createVisualSegment } from './create-visual-segment.js';

/** A greedy text request for four tokens, but for what is given; segments and positions follow the rest. */
export function createRequest(given: Partial<Request> = {}): Request {
  const { tokenIds } = { tokenIds: Int32Array.of(1, 2, 3), ...given };
  const { segments } = { segments: [{ kind: 'text', offset: 0, length: tokenIds.length }] as Segment[], ...given };
  return {
    requestId: requestId('request'),
    attempt: 0,
    modelRevision: 'fake',
    tenant: 'tenant',
    class: 'interactive',
    priority: 0,
    tokenIds,
    resumeTokens: [],
    segments,
    positions: positionsOf(segments),
    sampling: createSamplingParams(),
    maxTokens: 4,
    stopTokenIds: [],
    deadlineMs: undefined,
    prefix: undefined,
    numMediaBytes: 0,
    ...given,
  };
}

/** Token that stands for a visual's rows in prompts of `createVisualRequest`. */
export const placeholderId = 9;

/** A request whose prompt is text, then for each key an image of four placeholders and one more token of text. */
export function createVisualRequest(keys: readonly string[], given: Partial<Request> = {}): Request {
  const tokenIds = [1, 2];
  const segments: Segment[] = [{ kind: 'text', offset: 0, length: 2 }];
  for (const [mediaIndex, key] of keys.entries()) {
    const visual = createVisualSegment({ offset: tokenIds.length, mediaIndex, embeddingKey: embeddingKey(key) });
    tokenIds.push(...Array.from({ length: visual.length }, () => placeholderId));
    segments.push(visual, { kind: 'text', offset: tokenIds.length, length: 1 });
    tokenIds.push(3);
  }
  return createRequest({ tokenIds: Int32Array.from(tokenIds), segments, ...given });
}

/** Positions of a prompt whose videos, if any, have a temporal grid a second. */
export function positionsOf(segments: readonly Segment[]): MropePositions {
  const runs = segments.map(
    (segment): PromptRun =>
      segment.kind === 'text'
        ? { kind: 'text', length: segment.length }
        : { kind: segment.kind, grid: segment.grid, secondPerGrid: segment.kind === 'video' ? 1 : 0 },
  );
  return mropePositions(runs, { spatialMergeSize: 2, tokensPerSecond: 2 });
}
