import { blockHash, EventQueue, requestId } from '@tessera/domain';
import { createRequest, fakeDescription } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import type { GroupLoop } from './group/group-loop.js';
import { GroupState } from './group/group-state.js';
import { placeSequence } from './placement.js';
import { Sequence } from './sequence.js';

const hashes = Array.from({ length: 4 }, (_, i) => blockHash(`${i}`.repeat(64)));

const sequenceOf = (name: string, promptLen: number): Sequence => {
  const prefix = { pageLen: 4, root: blockHash('f'.repeat(64)), blocks: hashes.slice(0, Math.floor(promptLen / 4)) };
  const request = createRequest({ requestId: requestId(name), tokenIds: new Int32Array(promptLen), prefix });
  return new Sequence(request, new EventQueue(), 0);
};

/** A group with `numCachedPages` pages of every such prompt that still has to compute prompts of these lengths. */
const groupOf = (
  groupId: string,
  numCachedPages: number,
  backlog: readonly number[] = [],
): Pick<GroupLoop, 'state' | 'groupId'> => {
  const state = new GroupState(groupId, fakeDescription);
  const pages = state.pages.allocate(numCachedPages) ?? [];
  for (const [i, page] of pages.entries()) state.publish(page, hashes[i]!);
  state.pages.release(pages);
  for (const [i, promptLen] of backlog.entries()) state.admit(sequenceOf(`${groupId}-${i}`, promptLen), []);
  return { groupId, state };
};

describe('placeSequence', () => {
  for (const [title, groups, expected] of [
    ['nowhere when no group has room', [], undefined],
    ['at the only group that has room', [groupOf('a', 0, [9, 9])], ['a', 'only_group', 0]],
    ['at the first of equals', [groupOf('a', 0), groupOf('b', 0)], ['a', 'least_loaded', 0]],
    ['where the least is to be computed', [groupOf('a', 0, [9]), groupOf('b', 0, [8])], ['b', 'least_loaded', 0]],
    ['where its prefix is cached', [groupOf('a', 0), groupOf('b', 3, [9])], ['b', 'cached_prefix', 12]],
    ['where more of its prefix is cached', [groupOf('a', 1), groupOf('b', 2)], ['b', 'cached_prefix', 8]],
    [
      'elsewhere once the backlog exceeds what the cache saves',
      [groupOf('a', 0), groupOf('b', 3, [9, 9])],
      ['a', 'least_loaded', 0],
    ],
    [
      'where the least is to be computed when all have the same prefix',
      [groupOf('a', 2, [3]), groupOf('b', 2)],
      ['b', 'least_loaded', 8],
    ],
  ] as const) {
    test(`runs a sequence ${title}`, () => {
      const placement = placeSequence(sequenceOf('r', 16), groups as readonly GroupLoop[]);
      expect(placement && [placement.loop.groupId, placement.reason, placement.numCachedTokens]).toEqual(expected);
    });
  }
});
