import type { WorkerError } from './worker-error.js';

/** A call of one method of an engine in a worker thread. */
export interface WorkerCall {
  readonly callId: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

export type WorkerReply =
  | { readonly callId: number; readonly value: unknown }
  | { readonly callId: number; readonly error: WorkerError };

/** What a worker says first. */
export type WorkerHello<Description> = { readonly description: Description } | { readonly error: WorkerError };
