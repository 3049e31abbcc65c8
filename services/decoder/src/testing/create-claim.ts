import type { RankClaim } from '@tessera/rpc';

/** A claim of leader-1 for epoch 1 of a group of one process, but for what is given. */
export function createClaim(given: Partial<RankClaim> = {}): RankClaim {
  return { epoch: 1, leaderId: 'leader-1', session: 'session-1', meshAddresses: ['mesh'], silenceMs: 3000, ...given };
}
