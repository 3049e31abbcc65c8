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

/** Writes messages to a call in order. Each write waits for room, all of them together, or for the end of the call. */
export function createWriter<Message>(call: Writable, ended: AbortSignal): (message: Message) => Promise<void> {
  let room: Promise<void> | undefined;
  return async (message) => {
    if (ended.aborted || call.write(message)) return;
    room ??= roomIn(call, ended).finally(() => {
      room = undefined;
    });
    await room;
  };
}

async function roomIn(call: Writable, ended: AbortSignal): Promise<void> {
  try {
    await once(call, 'drain', { signal: ended });
  } catch {
    // The call ended while it was full; whoever waits for its outcome hears why.
  }
}
