import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Both directions of a bidirectional call. */
export interface MessageStream<Sent, Received> {
  /** Waits while the other end reads slower. Never fails: what ends the call ends `received`. */
  send(message: Sent): Promise<void>;
  readonly received: AsyncIterable<Received>;
}

/** The end that called. */
export interface CallerStream<Sent, Received> extends MessageStream<Sent, Received> {
  /** Nothing more will be sent. */
  end(): void;
}

/** Writes and waits for room, or for the end of the call. */
export async function writeTo(call: Writable, message: unknown, ended: AbortSignal): Promise<void> {
  if (ended.aborted || call.write(message)) return;
  try {
    await once(call, 'drain', { signal: ended });
  } catch {
    // The call ended while it was full; whoever waits for its outcome hears why.
  }
}
