import type { Member } from '@tessera/bus';
import { describe, expect, test } from 'vitest';
import { completeGroups } from './complete-groups.js';

/** The process `rank` of a group of `numRanks`. */
function decoder(group: string, rank: number, numRanks: number, incarnation = 'first'): Member {
  const name = `${group}${rank}`;
  const facts = { group, rank, numRanks, meshAddress: `mesh of ${name}` };
  return { kind: 'decoder', id: name, address: `address of ${name}`, incarnation: `${name} ${incarnation}`, facts };
}

describe('completeGroups', () => {
  test('are those of which every rank is there, each with its addresses in rank order', () => {
    const decoders = [decoder('b', 1, 2), decoder('a', 0, 1), decoder('b', 0, 2)];
    expect(completeGroups(decoders)).toMatchObject([
      {
        groupId: 'b',
        ranks: [
          { address: 'address of b0', meshAddress: 'mesh of b0' },
          { address: 'address of b1', meshAddress: 'mesh of b1' },
        ],
      },
      { groupId: 'a', ranks: [{ address: 'address of a0', meshAddress: 'mesh of a0' }] },
    ]);
  });

  for (const [what, decoders] of [
    ['nobody', []],
    ['a group without its last rank', [decoder('a', 0, 2)]],
    ['a group without its first rank', [decoder('a', 1, 2)]],
    ['a group with a rank twice instead of another', [decoder('a', 0, 2), decoder('a', 0, 2, 'second')]],
  ] as const) {
    test(`are none for ${what}`, () => {
      expect(completeGroups(decoders)).toEqual([]);
    });
  }

  test('are others when one of their processes is another, and the same in whatever order they are told', () => {
    const incarnationOf = (...decoders: readonly Member[]) => completeGroups(decoders)[0]?.incarnation;
    const before = incarnationOf(decoder('a', 0, 2), decoder('a', 1, 2));
    expect(incarnationOf(decoder('a', 1, 2), decoder('a', 0, 2))).toBe(before);
    for (const restarted of [0, 1]) {
      const decoders = [0, 1].map((rank) => decoder('a', rank, 2, rank === restarted ? 'second' : 'first'));
      expect(incarnationOf(...decoders)).not.toBe(before);
    }
  });
});
