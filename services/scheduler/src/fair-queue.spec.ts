import { FairClocks } from '@tessera/domain';
import { SeededRandom } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { FairQueue, type QueuedItem } from './fair-queue.js';

interface Item extends QueuedItem {
  rank: number;
}

const item = (tenant: string, order: number, rank = 0): Item => ({ tenant, order, rank });

/** Takes everything out, each item served `cost`. */
function drain(queue: FairQueue<Item>, cost = 1): string[] {
  const taken: string[] = [];
  for (let head = queue.peek(); head; head = queue.peek()) {
    queue.remove(head);
    queue.clocks.charge(head.tenant, cost);
    taken.push(`${head.tenant}${head.order}`);
  }
  return taken;
}

describe('FairQueue', () => {
  test('gives tenants their turns and each its items in order of arrival', () => {
    const queue = new FairQueue<Item>();
    for (const each of [item('a', 0), item('a', 1), item('a', 2), item('b', 3), item('b', 4), item('c', 5)])
      queue.add(each);
    expect(drain(queue)).toEqual(['a0', 'b3', 'c5', 'a1', 'b4', 'a2']);
    expect(queue.size).toBe(0);
  });

  test('gives a tenant of twice the weight twice the turns', () => {
    const queue = new FairQueue<Item>(new FairClocks((tenant) => (tenant === 'a' ? 2 : 1)));
    for (let order = 0; order < 4; order++) queue.add(item('a', order));
    for (let order = 4; order < 6; order++) queue.add(item('b', order));
    expect(drain(queue)).toEqual(['a0', 'b4', 'a1', 'a2', 'b5', 'a3']);
  });

  test('puts ranks before turns', () => {
    const queue = new FairQueue<Item>();
    for (const each of [item('a', 0, 1), item('b', 1), item('a', 2, -1), item('a', 3)]) queue.add(each);
    expect(drain(queue)).toEqual(['a2', 'b1', 'a3', 'a0']);
  });

  test('lets what comes back go before what came later', () => {
    const queue = new FairQueue<Item>();
    for (const order of [5, 7, 9, 6, 1]) queue.add(item('a', order));
    expect(drain(queue)).toEqual(['a1', 'a5', 'a6', 'a7', 'a9']);
  });

  test('finds an item whose rank has changed since, and counts the rank that it had', () => {
    const queue = new FairQueue<Item>();
    const [first, second] = [item('a', 0), item('a', 1)];
    queue.add(first);
    queue.add(second);
    second.rank = -5;
    expect(queue.peek()).toBe(first);
    expect(queue.remove(second)).toBe(true);
    expect([queue.size, queue.has(second), queue.remove(second)]).toEqual([1, false, false]);
  });

  test('refuses an item that is in it already', () => {
    const queue = new FairQueue<Item>();
    const only = item('a', 0);
    queue.add(only);
    expect(() => queue.add(only)).toThrow('item 0 of a is in the queue already');
  });

  test('lets a tenant that waits at two ranks be active until the last of it is gone', () => {
    const queue = new FairQueue<Item>();
    const [low, high] = [item('a', 0, 1), item('a', 1, 0)];
    for (const each of [low, high, item('b', 2, 1)]) queue.add(each);
    for (let i = 0; i < 3; i++) queue.clocks.charge('b', 10);
    queue.remove(high);
    queue.add(high);
    expect(queue.clocks.timeOf('a')).toBe(0);
  });

  test('looks at the first item of each tenant to find the head, be there thousands', () => {
    const queue = new FairQueue<Item>();
    let numLooks = 0;
    for (let order = 0; order < 10_000; order++) {
      const waiting = item(`tenant-${order % 4}`, order);
      Object.defineProperty(waiting, 'order', { get: () => order + 0 * numLooks++ });
      queue.add(waiting);
    }
    numLooks = 0;
    expect(queue.peek()?.tenant).toBe('tenant-0');
    expect(numLooks).toBeLessThanOrEqual(2 * 4);
  });

  test('keeps the order of its rules, whatever is added and removed', () => {
    const random = new SeededRandom(5);
    const queue = new FairQueue<Item>();
    const waiting = new Set<Item>();
    for (let order = 0; order < 2000; order++) {
      const chance = random.uniform();
      if (chance < 0.5) {
        const added = item(random.pick(['a', 'b', 'c']), order, random.integer(0, 2));
        queue.add(added);
        waiting.add(added);
      } else if (chance < 0.6 && waiting.size > 0) {
        const removed = random.pick([...waiting]);
        expect(queue.remove(removed)).toBe(true);
        waiting.delete(removed);
      } else {
        const head = queue.peek();
        const before = (x: Item, y: Item): number =>
          x.rank - y.rank || queue.clocks.timeOf(x.tenant) - queue.clocks.timeOf(y.tenant) || x.order - y.order;
        expect(head).toBe([...waiting].sort(before)[0]);
        if (!head) continue;
        queue.remove(head);
        waiting.delete(head);
        queue.clocks.charge(head.tenant, random.integer(1, 9));
      }
      expect(queue.size).toBe(waiting.size);
    }
  });
});
