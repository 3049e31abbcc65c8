import { pause } from './pause.js';

/** Whether the promise is fulfilled in this time. One that is rejected is not. */
export async function isFulfilledWithin(promise: Promise<unknown>, durationMs: number): Promise<boolean> {
  const ended = new AbortController();
  const fulfilled = promise.then(
    () => true,
    () => false,
  );
  const isFulfilled = await Promise.race([fulfilled, pause(durationMs, ended.signal).then(() => false)]);
  ended.abort();
  return isFulfilled;
}
