import type { Request } from './request.js';
import type { SampledToken } from './step-result.js';

export type FinishReason = 'stop' | 'length';

export interface Usage {
  readonly numPromptTokens: number;
  readonly numCachedTokens: number;
  readonly numOutputTokens: number;
}

/** What the scheduler tells a gateway about a running request, in order. */
export type SchedulerEvent =
  /**
   * Upload the source of visual `mediaIndex` to this encoder. May come at any time before the end, and more than once
   * for one visual. A visual that an encoder already holds is never asked for.
   */
  | {
      readonly kind: 'encodeHere';
      readonly mediaIndex: number;
      readonly encoderAddress: string;
      readonly ticket: string;
    }
  /** It runs: comes once an attempt, before its first token. */
  | { readonly kind: 'started'; readonly numCachedTokens: number }
  | { readonly kind: 'tokens'; readonly tokens: readonly SampledToken[] }
  | { readonly kind: 'finished'; readonly reason: FinishReason; readonly usage: Usage };

/** The one way into the cluster. */
export interface Scheduler {
  /**
   * Runs a request to its end. The stream ends after `finished`, or throws a ServingError. Aborting `signal`, or
   * leaving the loop early, frees everything that the request holds.
   */
  generate(request: Request, signal: AbortSignal): AsyncIterable<SchedulerEvent>;
}
