import type { EventEmitter } from 'node:events';
import { ServingError } from '@tessera/domain';
import { errorOf, lostError, type Peer } from './call-error.js';
import { acceptDeadlineMs } from './wire-options.js';

/** A streaming call as its caller holds it. */
export type ClientCall = EventEmitter & { cancel(): void };

export interface WatchedCall {
  /** Aborts when the call has ended, well or not. */
  readonly ended: AbortSignal;
  /** What to throw for the error that the call ended with. */
  errorOf(error: unknown): ServingError;
}

/** Cancels a call when `signal` aborts, or when its peer does not take it within `acceptDeadlineMs`. */
export function watchCall(call: ClientCall, peer: Peer, signal: AbortSignal | undefined): WatchedCall {
  const ended = new AbortController();
  let ownReason: ServingError | undefined;
  const endWith = (reason: ServingError): void => {
    ownReason ??= reason;
    call.cancel();
  };
  const onAbort = (): void => endWith(new ServingError('cancelled', 'The request was cancelled.'));
  const onSilence = (): void => endWith(lostError(peer, `did not take the call within ${acceptDeadlineMs} ms`));
  const silence = setTimeout(onSilence, acceptDeadlineMs);
  call.once('metadata', () => clearTimeout(silence));
  call.once('status', () => {
    clearTimeout(silence);
    signal?.removeEventListener('abort', onAbort);
    ended.abort();
  });
  call.on('error', () => {
    // Whoever reads the call throws it; with no listener left Node.js would end the process.
  });
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();
  return { ended: ended.signal, errorOf: (error) => ownReason ?? errorOf(error, peer) };
}
