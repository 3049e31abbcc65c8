import type { Readiness } from '@tessera/gateway';
import type { RunningScheduler } from '@tessera/scheduler';

/** Ready as long as requests can run: a dead decoder does not come back before the process is started again. */
export function readinessOf({ snapshot }: Pick<RunningScheduler, 'snapshot'>): Readiness {
  return snapshot.failure === undefined ? { ready: true } : { ready: false, reason: snapshot.failure.message };
}
