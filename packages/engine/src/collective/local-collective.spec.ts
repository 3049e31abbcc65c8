import { SeededRandom } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import type { Collective } from './collective.js';
import { createLocalGroup } from './local-collective.js';

const everyRank = <Value>(ranks: readonly Collective[], call: (rank: Collective) => Promise<Value>) =>
  Promise.all(ranks.map(call));

describe('a local group', () => {
  test('numbers the ranks of the group', () => {
    expect(createLocalGroup(3).collectives.map(({ rank, numRanks }) => [rank, numRanks])).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ]);
  });

  test('gathers values in rank order, whoever comes first', async () => {
    const ranks = createLocalGroup(3).collectives;
    const gathered = await everyRank([ranks[2], ranks[0], ranks[1]], ({ rank, allGather }) => allGather(`r${rank}`));
    expect(gathered).toEqual(Array.from({ length: 3 }, () => ['r0', 'r1', 'r2']));
  });

  test('waits for the last rank', async () => {
    const [first, second] = createLocalGroup(2).collectives;
    let isOver = false;
    const gathered = first.allGather(1).then((values) => {
      isOver = true;
      return values;
    });
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    await second.allGather(2);
    expect(await gathered).toEqual([1, 2]);
  });

  test('sums in rank order, to the same bits on every rank', async () => {
    const random = new SeededRandom(1);
    const partials = [0, 1, 2, 3].map(() => random.normals(64).map((x) => x * 10 ** random.integer(-6, 6)));
    const expected = partials[0].map((value, i) =>
      partials.slice(1).reduce((sum, partial) => Math.fround(sum + partial[i]), value),
    );
    const ranks = createLocalGroup(4).collectives;
    const shuffled = random.shuffle(ranks);
    const sums = await everyRank(shuffled, ({ rank, allReduceSum }) => allReduceSum(partials[rank].slice()));
    for (const sum of sums) expect(sum).toEqual(expected);
  });

  test('gives every rank a sum of its own', async () => {
    const ranks = createLocalGroup(2).collectives;
    const [a, b] = await everyRank(ranks, ({ allReduceSum }) => allReduceSum(Float32Array.of(1)));
    a[0] = 99;
    expect(b).toEqual(Float32Array.of(2));
  });

  test('never mixes two rounds, however far one rank runs ahead', async () => {
    const random = new SeededRandom(2);
    const ranks = createLocalGroup(3).collectives;
    const work = async ({ rank, allGather, allReduceSum }: Collective): Promise<unknown[]> => {
      const seen: unknown[] = [];
      for (let round = 0; round < 50; round++) {
        for (let turns = random.integer(0, 3); turns > 0; turns--) await Promise.resolve();
        seen.push(await allGather(`${round}/${rank}`), [...(await allReduceSum(Float32Array.of(round * rank)))]);
      }
      return seen;
    };
    const expected = Array.from({ length: 50 }, (_, round) => [
      [0, 1, 2].map((rank) => `${round}/${rank}`),
      [3 * round],
    ]).flat();
    for (const seen of await everyRank(ranks, work)) expect(seen).toEqual(expected);
  });
});

describe('a local group of which a rank failed', () => {
  test('rejects the ranks that wait for one that failed, and meets again after a reset', async () => {
    const { collectives, fail, reset } = createLocalGroup(2);
    const waiting = collectives[0].allGather('early');
    fail(new Error('rank 1 failed'));
    await expect(waiting).rejects.toThrow('rank 1 failed');
    await expect(collectives[0].allGather('late')).rejects.toThrow('rank 1 failed');
    reset();
    const both = collectives.map((collective) => collective.allGather(collective.rank));
    expect(await Promise.all(both)).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });
});
