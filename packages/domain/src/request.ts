import type { BlockHash, RequestId } from './ids.js';
import type { MropePositions } from './mrope-positions.js';
import type { SamplingParams } from './sampling-params.js';
import type { Segment } from './segment.js';

/** Interactive requests run before batch ones, which fill what is left. */
export type RequestClass = 'interactive' | 'batch';

/** Under which hashes a prompt's pages may be found and kept (architecture §3.7). */
export interface PrefixHashes {
  /** Positions a page that the hashes were made for. */
  readonly pageLen: number;
  /** Parent of the first page: model revision and salt. */
  readonly root: BlockHash;
  /** One a full page of the prompt, in order. */
  readonly blocks: readonly BlockHash[];
}

/**
 * What a client sent, validated and expanded; immutable. It holds all that is needed to run it again elsewhere, so any
 * crash is a resubmission with a higher `attempt` and the tokens already emitted in `resumeTokens`.
 */
export interface Request {
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly modelRevision: string;
  readonly tenant: string;
  readonly class: RequestClass;
  /** Within a class, higher runs first; 0 is usual. */
  readonly priority: number;
  /** Prompt ids, placeholders expanded. */
  readonly tokenIds: Int32Array;
  /** Tokens emitted by an earlier attempt, in order; the next one gets `outputIndex = resumeTokens.length`. */
  readonly resumeTokens: readonly number[];
  readonly segments: readonly Segment[];
  readonly positions: MropePositions;
  readonly sampling: SamplingParams;
  /** Tokens to generate at most, the resumed ones counted. */
  readonly maxTokens: number;
  /** Sampling one of these ends the sequence; the stop token is reported but is no text. */
  readonly stopTokenIds: readonly number[];
  /** Unix time in milliseconds after which nobody wants the answer; undefined waits for ever. */
  readonly deadlineMs: number | undefined;
  /** Undefined keeps it out of the prefix cache. */
  readonly prefix: PrefixHashes | undefined;
  /** Bytes of the media that the gateway holds for it. */
  readonly numMediaBytes: number;
}

/** Number of prompt tokens that are placeholders of images or videos. */
export function countVisualTokens(request: Pick<Request, 'segments'>, kind: 'image' | 'video'): number {
  return request.segments.reduce((sum, segment) => (segment.kind === kind ? sum + segment.length : sum), 0);
}
