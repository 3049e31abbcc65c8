import { setTimeout as delay } from 'node:timers/promises';

/** Waits; an abort ends it early, without an error. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(durationMs, undefined, { signal });
  } catch {
    // Aborted, which is all that a delay can fail with.
  }
}
