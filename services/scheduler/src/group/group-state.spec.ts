import { blockHash, EventQueue, type Request, requestId } from '@tessera/domain';
import { createRequest, fakeDescription, pageIds } from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { Sequence } from '../sequence.js';
import { GroupState } from './group-state.js';

const hashes = [1, 2, 3].map((digit) => blockHash(`${digit}`.repeat(64)));

describe('GroupState', () => {
  let group: GroupState;
  let numSequences: number;
  beforeEach(() => {
    group = new GroupState('group', fakeDescription);
    numSequences = 0;
  });

  /** A sequence whose first pages have the hashes 1…, 2…, 3…. */
  const create = (promptLen: number, given: Partial<Request> = {}): Sequence => {
    const blocks = hashes.slice(0, Math.floor(promptLen / 4));
    const prefix = { pageLen: 4, root: blockHash('0'.repeat(64)), blocks };
    const name = requestId(`r${numSequences}`);
    const request = createRequest({ requestId: name, tokenIds: new Int32Array(promptLen), prefix, ...given });
    return new Sequence(request, new EventQueue(), numSequences++);
  };
  const admit = (promptLen: number): Sequence => {
    const sequence = create(promptLen);
    group.admit(sequence, group.findCached(sequence));
    group.extend(sequence, promptLen);
    return sequence;
  };
  const publish = ({ residence }: Sequence, count: number): void => {
    for (const [i, page] of residence!.pages.slice(0, count).entries()) group.publish(page, hashes[i]!);
  };

  test('gives lanes and pages, the lowest first, and takes them back', () => {
    const sequences = [admit(5), admit(3)];
    expect(sequences.map(({ residence }) => [residence?.lane, residence?.pages])).toEqual([
      [0, pageIds(0, 1)],
      [1, pageIds(2)],
    ]);
    for (const sequence of sequences) group.leave(sequence);
    expect([group.numFreeLanes, group.pages.numFree]).toEqual([4, 16]);
    group.checkIntegrity();
  });

  test('releases a lane only when the ranks know of it', () => {
    const [known, unknown] = [admit(3), admit(3)];
    known.residence!.isAdmitted = true;
    group.leave(unknown);
    group.leave(known);
    expect(group.releasedLanes).toEqual([0]);
  });

  test('finds whole pages of the beginning, never the one with the last known token', () => {
    const first = admit(12);
    publish(first, 3);
    const counts = [12, 13, 11, 4, 5].map((promptLen) => group.findCached(create(promptLen)).length);
    expect(counts).toEqual([2, 3, 2, 0, 1]);
    const resumed = create(12, { resumeTokens: [1] });
    expect(group.findCached(resumed)).toEqual(pageIds(0, 1, 2));
  });

  test('has room for all known tokens of a newcomer beside what the running ones are still to take', () => {
    const running = create(40);
    group.admit(running, []);
    group.extend(running, 8);
    expect(group.numCommittedPages).toBe(8);
    expect(group.hasRoomFor(create(24), [])).toBe(true);
    expect(group.hasRoomFor(create(25), [])).toBe(false);
  });

  test('counts no page for what a newcomer shares with running ones', () => {
    const first = admit(12);
    publish(first, 3);
    const filler = admit(48);
    expect(group.pages.numFree).toBe(4);
    const second = create(24);
    expect(group.hasRoomFor(second, group.findCached(second))).toBe(true);
    expect(group.hasRoomFor(create(24, { prefix: undefined }), [])).toBe(false);
    group.leave(filler);
    group.leave(first);
    expect(group.hasRoomFor(create(48), [])).toBe(true);
  });

  test('gives no page when there are not enough, and changes nothing', () => {
    const sequence = admit(4);
    expect(group.extend(sequence, 65)).toBeUndefined();
    expect([sequence.residence?.pages, group.pages.numFree]).toEqual([pageIds(0), 15]);
  });

  test('tells who holds which page, and what changed', () => {
    const first = admit(9);
    publish(first, 2);
    const second = admit(9);
    const [r0, r1] = ['r0/0/0', 'r1/0/0'];
    expect(group.records()).toEqual([
      { pageId: 0, state: 'owned', blockHash: hashes[0], generation: 1, sequenceIds: [r0, r1] },
      { pageId: 1, state: 'owned', blockHash: hashes[1], generation: 1, sequenceIds: [r0, r1] },
      { pageId: 2, state: 'owned', blockHash: undefined, generation: 1, sequenceIds: [r0] },
      { pageId: 3, state: 'owned', blockHash: undefined, generation: 1, sequenceIds: [r1] },
    ]);
    group.takeChanges();
    group.leave(first);
    group.leave(second);
    expect(group.takeChanges()).toEqual([
      { pageId: 2, state: 'free' },
      { pageId: 1, state: 'cached', blockHash: hashes[1], generation: 1, sequenceIds: [] },
      { pageId: 0, state: 'cached', blockHash: hashes[0], generation: 1, sequenceIds: [] },
      { pageId: 3, state: 'free' },
    ]);
    expect(group.takeChanges()).toEqual([]);
  });

  test('says so when somebody holds pages though nobody runs', () => {
    group.pages.allocate(1);
    expect(() => group.checkIntegrity()).toThrow('the page 0 is held 0 times and counts 1');
  });
});
