import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@tessera/runtime';

/** First and longest pause between two attempts. */
const [firstPauseMs, maxPauseMs] = [100, 2000];

/**
 * Does work that is meant to last, and begins it anew whenever it ends, until the signal aborts. Pauses double, and are
 * short again after work that lasted; why it failed is logged, with `what` it was about.
 */
export async function keepTrying(
  what: string,
  logger: Logger,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    const startedAtMs = Date.now();
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, `${what} cannot be used`);
    }
    if (Date.now() - startedAtMs > maxPauseMs) pauseMs = firstPauseMs;
    await pause(pauseMs, undefined, { signal }).catch(() => {});
    pauseMs = Math.min(maxPauseMs, pauseMs * 2);
  }
}
