import type { Seal } from '@tessera/domain';

/** The seals that all ranks have, in the order of the first rank: only what all hold alike can be taken as cached. */
export function commonSeals(byRank: readonly (readonly Seal[])[]): Seal[] {
  const [first, ...others] = byRank;
  const known = others.map((seals) => new Set(seals.map(keyOf)));
  return first.filter((seal) => known.every((keys) => keys.has(keyOf(seal))));
}

const keyOf = ({ pageId, blockHash, generation }: Seal): string => `${pageId} ${generation} ${blockHash}`;
