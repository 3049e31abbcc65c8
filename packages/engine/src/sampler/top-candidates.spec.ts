import { SeededRandom } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { type Candidate, compareCandidates } from './sampling-row.js';
import { selectTop, TopCandidates } from './top-candidates.js';

const candidate = (tokenId: number, score: number): Candidate => ({ tokenId, score, logit: score });

const select = (scores: readonly number[], capacity: number): number[] =>
  selectTop(scores.length, capacity, (i) => scores[i], candidate).map(({ tokenId }) => tokenId);

describe('TopCandidates', () => {
  test('takes anything until it is full, then what beats its last', () => {
    const top = new TopCandidates(2);
    expect(top.floor).toBe(Number.NEGATIVE_INFINITY);
    top.offer(candidate(0, 1));
    expect(top.floor).toBe(Number.NEGATIVE_INFINITY);
    top.offer(candidate(1, 3));
    expect(top.floor).toBe(1);
    top.offer(candidate(2, 2));
    top.offer(candidate(3, 0));
    expect(top.list.map(({ tokenId }) => tokenId)).toEqual([1, 2]);
  });

  test('prefers the lower id among equals, in whatever order they come', () => {
    for (const ids of [
      [1, 2, 3],
      [3, 2, 1],
      [2, 3, 1],
    ]) {
      const top = new TopCandidates(2);
      for (const id of ids) top.offer(candidate(id, 5));
      expect(top.list.map(({ tokenId }) => tokenId)).toEqual([1, 2]);
    }
  });
});

describe('selectTop', () => {
  for (const [title, scores, capacity, ids] of [
    ['puts the best first', [1, 4, 2, 3], 3, [1, 3, 2]],
    ['gives ties to the lowest ids', [1, 2, 2, 2, 1], 3, [1, 2, 3]],
    ['keeps the first ids of a flat row', [7, 7, 7, 7], 2, [0, 1]],
    ['gives all of a short row', [1, 2], 5, [1, 0]],
    ['leaves out what is masked', [Number.NEGATIVE_INFINITY, 1, Number.NEGATIVE_INFINITY], 3, [1]],
    ['leaves out what is not a number', [Number.NaN, 1, Number.NaN, 0], 3, [1, 3]],
    ['gives nothing of an empty row', [], 3, []],
  ] as const) {
    test(title, () => {
      expect(select(scores, capacity)).toEqual(ids);
    });
  }

  test('agrees with a full sort on random rows with many ties', () => {
    const random = new SeededRandom(1);
    for (let round = 0; round < 200; round++) {
      const scores = Array.from({ length: random.integer(1, 60) }, () => random.integer(-4, 4));
      const sorted = scores.map((score, id) => candidate(id, score)).sort(compareCandidates);
      const capacity = random.integer(1, 20);
      expect(select(scores, capacity)).toEqual(sorted.slice(0, capacity).map(({ tokenId }) => tokenId));
    }
  });
});
