import type { Readiness } from '@tessera/gateway';

/** A part of the server that can fail for good. */
export interface MortalPart {
  /** Why it can do nothing any more; undefined while it can. */
  readonly failure: Error | undefined;
}

/** Ready as long as every part works: a dead one does not come back before the process is started again. */
export function readinessOf(parts: readonly MortalPart[]): Readiness {
  const failure = parts.find((part) => part.failure !== undefined)?.failure;
  return failure === undefined ? { ready: true } : { ready: false, reason: failure.message };
}
