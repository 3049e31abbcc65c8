import type { GroupLoop } from './group/group-loop.js';
import type { Sequence } from './sequence.js';

export type PlacementReason = 'only_group' | 'cached_prefix' | 'least_loaded';

/** Where a sequence runs, and why there. */
export interface Placement {
  readonly loop: GroupLoop;
  readonly reason: PlacementReason;
  readonly numCachedTokens: number;
}

/**
 * Chooses among the groups that have room: the one where the least is left to be computed before the sequence's first
 * token, which is what its prompt still lacks there and what others are still to compute. A group with the prefix in its
 * cache wins until its backlog exceeds what the cache saves.
 */
export function placeSequence(sequence: Sequence, loops: readonly GroupLoop[]): Placement | undefined {
  const options = loops.map((loop) => {
    const numCachedTokens = loop.state.findCached(sequence).length * loop.state.pageLen;
    return { loop, numCachedTokens, cost: sequence.numKnownTokens - numCachedTokens + backlogOf(loop) };
  });
  const best = options.reduce<(typeof options)[number] | undefined>(
    (least, option) => (!least || option.cost < least.cost ? option : least),
    undefined,
  );
  if (!best) return undefined;
  const isHit = options.some(({ numCachedTokens }) => numCachedTokens < best.numCachedTokens);
  const reason = options.length === 1 ? 'only_group' : isHit ? 'cached_prefix' : 'least_loaded';
  return { loop: best.loop, reason, numCachedTokens: best.numCachedTokens };
}

/** Tokens that running sequences are still to compute, each counted once more for the rows of its coming steps. */
function backlogOf({ state }: GroupLoop): number {
  let numTokens = 0;
  for (const sequence of state.running) numTokens += Math.max(0, sequence.numTokensToPlan) + 1;
  return numTokens;
}
