import { ServingError } from '@tessera/domain';

/** The promise's outcome, or a ServingError `cancelled` as soon as the signal aborts; the work itself goes on. */
export async function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(cancelled(signal));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

export function cancelled({ reason }: AbortSignal): ServingError {
  return new ServingError('cancelled', 'The request was cancelled.', {}, { cause: reason });
}
