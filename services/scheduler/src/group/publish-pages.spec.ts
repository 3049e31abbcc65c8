import { EventQueue, type Request, requestId } from '@tessera/domain';
import { prefixHashesOf, rootHash } from '@tessera/kv';
import { createRequest, fakeDescription, pageIds } from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { Sequence } from '../sequence.js';
import { GroupState } from './group-state.js';
import { publishPages, withdrawPages } from './publish-pages.js';

const root = rootHash({ modelRevision: 'fake', tenant: 'tenant', salt: 'salt' });

describe('publishPages', () => {
  let group: GroupState;
  beforeEach(() => {
    group = new GroupState('group', fakeDescription);
  });

  const run = (tokenIds: readonly number[], given: Partial<Request> = {}, pageLen = 4): Sequence => {
    const request = createRequest({ tokenIds: Int32Array.from(tokenIds), requestId: requestId('r'), maxTokens: 20 });
    const prefix = prefixHashesOf(request, root, pageLen);
    const sequence = new Sequence({ ...request, prefix, ...given }, new EventQueue(), 0);
    group.admit(sequence, group.findCached(sequence));
    group.extend(sequence, 20);
    return sequence;
  };
  const hashesOf = (tokenIds: readonly number[]) =>
    prefixHashesOf(createRequest({ tokenIds: Int32Array.from(tokenIds) }), root, 4).blocks;

  test('lets pages be found as they become full, each once, under the hashes of the prompt', () => {
    const sequence = run([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const seals = [3, 4, 7, 9].map((numComputed) => {
      sequence.numComputed = numComputed;
      publishPages(group, sequence);
      return group.seals.splice(0).map(({ pageId, blockHash }) => [pageId, blockHash]);
    });
    const [first, second] = sequence.request.prefix!.blocks;
    expect(seals).toEqual([[], [[0, first]], [], [[1, second]]]);
    expect(group.pages.lookup([first!, second!])).toEqual(pageIds(0, 1));
  });

  test('hashes pages of generated tokens, also one that begins in the prompt, as if they were all prompt', () => {
    const sequence = run([1, 2, 3, 4, 5]);
    for (const [outputIndex, tokenId] of [6, 7, 8, 9, 10, 11, 12].entries()) sequence.accept({ tokenId, outputIndex });
    sequence.numComputed = 12;
    publishPages(group, sequence);
    expect(group.pages.lookup(hashesOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]))).toEqual(pageIds(0, 1, 2));
    expect(sequence.blockHashes).toHaveLength(3);
  });

  test('seals no page whose content is found elsewhere already', () => {
    for (let i = 0; i < 2; i++) {
      const sequence = run([1, 2, 3, 4]);
      sequence.numComputed = 4;
      publishPages(group, sequence);
    }
    expect(group.seals.map(({ pageId }) => pageId)).toEqual([0]);
  });

  for (const isGone of [false, true]) {
    test(`withdraws what a sequence published and what it found, ${isGone ? 'after' : 'while'} it runs`, () => {
      const first = run([1, 2, 3, 4, 5], { requestId: requestId('first') });
      first.numComputed = 4;
      publishPages(group, first);
      const second = run([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      const residence = second.residence!;
      expect(residence.numCachedPages).toBe(1);
      second.numComputed = 8;
      publishPages(group, second);
      const { blocks } = second.request.prefix!;
      expect(group.pages.lookup(blocks)).toHaveLength(2);
      if (isGone) group.leave(second);
      withdrawPages(group, second, residence);
      expect(group.pages.lookup(blocks)).toEqual([]);
      if (!isGone) group.leave(second);
      group.checkIntegrity();
    });
  }

  for (const [title, given, pageLen] of [
    ['keeps out of the cache', { prefix: undefined }, 4],
    ['has hashes of other pages', {}, 8],
  ] as const) {
    test(`publishes nothing of a request that ${title}`, () => {
      const sequence = run([1, 2, 3, 4, 5, 6, 7, 8], given, pageLen);
      sequence.numComputed = 8;
      publishPages(group, sequence);
      expect(group.seals).toEqual([]);
    });
  }

  test('says so when a sequence computed what it has no page for', () => {
    const sequence = run(Array.from({ length: 24 }, (_, i) => i));
    sequence.numComputed = 24;
    expect(() => publishPages(group, sequence)).toThrow('sequence r/0/0 has no page 5 and computed it');
  });
});
