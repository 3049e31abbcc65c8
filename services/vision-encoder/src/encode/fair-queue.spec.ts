import { SeededRandom } from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { FairQueue, type PricedJob } from './fair-queue.js';

interface NamedJob extends PricedJob {
  readonly name: string;
}

/** `a1:16` is the job a1 of tenant a with 16 patches. */
function jobOf(text: string): NamedJob {
  const [name, numPatches] = text.split(':');
  return { name, tenant: name.slice(0, 1), numPatches: Number(numPatches ?? 1) };
}

describe('FairQueue', () => {
  let queue: FairQueue<NamedJob>;
  beforeEach(() => {
    queue = new FairQueue();
  });
  const push = (...texts: string[]): void => {
    for (const text of texts) queue.push(jobOf(text));
  };
  const take = (numJobs = queue.numJobs): string[] => Array.from({ length: numJobs }, () => queue.take()?.name ?? '-');

  const orders: readonly (readonly [title: string, jobs: readonly string[], order: readonly string[]])[] = [
    ['one tenant in order of arrival, small behind large', ['a1:9', 'a2:1', 'a3:4'], ['a1', 'a2', 'a3']],
    [
      'tenants in turns, however many jobs one has',
      ['a1', 'a2', 'a3', 'b1', 'c1', 'c2'],
      ['a1', 'b1', 'c1', 'a2', 'c2', 'a3'],
    ],
    [
      'by patches, not by jobs',
      ['a1:8', 'a2:8', 'b1:2', 'b2:2', 'b3:2', 'b4:2', 'b5:2'],
      ['a1', 'b1', 'b2', 'b3', 'b4', 'a2', 'b5'],
    ],
    ['whoever began to wait first, when clocks are equal', ['b1:4', 'a1:4', 'b2:4', 'a2:4'], ['b1', 'a1', 'b2', 'a2']],
  ];
  for (const [title, jobs, order] of orders) {
    test(`serves ${title}`, () => {
      push(...jobs);
      expect(take()).toEqual(order);
      expect(queue.take()).toBeUndefined();
    });
  }

  test('starts a newcomer where those that wait are, so that it owes nothing and has saved nothing', () => {
    push('a1:10', 'a2:10', 'a3:10');
    expect(take(2)).toEqual(['a1', 'a2']);
    push('b1:10', 'b2:10');
    expect(take()).toEqual(['b1', 'a3', 'b2']);
  });

  test('lets nobody forget what it was served by leaving for a moment', () => {
    push('a1:100', 'b1:10', 'b2:10', 'b3:10');
    expect(take(2)).toEqual(['a1', 'b1']);
    push('a2:1');
    expect(take()).toEqual(['b2', 'b3', 'a2']);
  });

  test('does not hold the hours when it was alone against a tenant', () => {
    push('a1:1000', 'a2:10');
    take();
    push('a3:10', 'b1:10', 'b2:10');
    expect(take()).toEqual(['b1', 'a3', 'b2']);
  });

  test('serves all alike again after a reset', () => {
    push('a1:1000', 'b1:1');
    take();
    queue.resetClocks();
    push('a2', 'b2', 'b3', 'a3');
    expect(take()).toEqual(['a2', 'b2', 'a3', 'b3']);
  });

  test('shows who is next without taking it', () => {
    expect(queue.peek()).toBeUndefined();
    push('a1', 'b1');
    expect(queue.peek()?.name).toBe('a1');
    expect(queue.numJobs).toBe(2);
  });

  test('takes a job out of turn free of charge, and says when it is not there', () => {
    const [large, small] = [jobOf('a1:100'), jobOf('a2:1')];
    for (const job of [large, small]) queue.push(job);
    push('b1:1');
    expect(queue.remove(large)).toBe(true);
    expect(queue.remove(large)).toBe(false);
    expect([...queue].map(({ name }) => name)).toEqual(['a2', 'b1']);
    expect(take()).toEqual(['a2', 'b1']);
  });

  test('serves tenants that always wait within one job of one another, whatever the sizes', () => {
    const random = new SeededRandom(3);
    const served = new Map([...'abc'].map((tenant) => [tenant, 0]));
    for (const tenant of served.keys()) push(`${tenant}0:${random.integer(1, 50)}`);
    for (let i = 1; i <= 500; i++) {
      const { tenant, numPatches } = queue.take() as NamedJob;
      served.set(tenant, (served.get(tenant) ?? 0) + numPatches);
      push(`${tenant}${i}:${random.integer(1, 50)}`);
      const patches = [...served.values()];
      expect(Math.max(...patches) - Math.min(...patches)).toBeLessThanOrEqual(50);
    }
  });
});
