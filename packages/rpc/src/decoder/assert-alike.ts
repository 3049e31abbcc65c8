import { ServingError } from '@tessera/domain';
import type { RankDescription } from './description.js';

/** Throws `invalid_option`, naming what differs: ranks that are set up differently cannot run one plan. */
export function assertAlike(groupId: string, descriptions: readonly RankDescription[]): void {
  const [first, ...others] = descriptions.map(flatFields);
  for (const [i, other] of others.entries()) {
    for (const [name, value] of Object.entries(first)) {
      if (other[name] === value) continue;
      const rank = i + 1;
      const message = `Rank ${rank} of group ${groupId} has ${name} ${other[name]}, rank 0 has ${value}; all ranks of a group must be started alike.`;
      throw new ServingError('invalid_option', message, { groupId, rank, name });
    }
  }
}

function flatFields({ kvLayout, ...rest }: RankDescription): Readonly<Record<string, string | number | boolean>> {
  return { ...rest, ...kvLayout };
}
