import { pageId } from '@tessera/domain';
import { pageIds, SeededRandom } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { PagePool } from './page-pool.js';

describe('PagePool', () => {
  test('begins with all pages free and gives the lowest first, in order', () => {
    const pool = new PagePool(5);
    expect(pool).toMatchObject({ numPages: 5, numFree: 5 });
    expect(pool.allocate(2)).toEqual([0, 1]);
    expect(pool.allocate(3)).toEqual([2, 3, 4]);
    expect(pool.numFree).toBe(0);
  });

  test('gives all that is asked or nothing', () => {
    const pool = new PagePool(3);
    expect(pool.allocate(4)).toBeUndefined();
    expect(pool.numFree).toBe(3);
    expect(pool.allocate(3)).toHaveLength(3);
    expect(pool.allocate(1)).toBeUndefined();
  });

  test('gives none when none is asked, even when none is free', () => {
    const pool = new PagePool(1);
    pool.allocate(1);
    expect(pool.allocate(0)).toEqual([]);
  });

  test('gives the pages freed last first, in their order', () => {
    const pool = new PagePool(6);
    const [first, second] = [pool.allocate(2), pool.allocate(2)] as const;
    pool.free(second ?? []);
    pool.free(first ?? []);
    expect(pool.allocate(5)).toEqual([0, 1, 2, 3, 4]);
  });

  for (const [title, freed] of [
    ['twice', pageIds(0, 0)],
    ['that was never given', pageIds(2)],
    ['that there is not', [pageId(9)]],
  ] as const) {
    test(`throws when a page is freed ${title}`, () => {
      const pool = new PagePool(4);
      pool.allocate(2);
      expect(() => pool.free(freed)).toThrow(/page \d is freed but not allocated/);
    });
  }

  test('gives no page to two, whatever is allocated and freed', () => {
    const random = new SeededRandom(1);
    const pool = new PagePool(16);
    const held: number[][] = [];
    for (let operation = 0; operation < 2000; operation++) {
      if (random.uniform() < 0.5 && held.length > 0) {
        const [pages] = held.splice(random.integer(0, held.length - 1), 1);
        pool.free(pageIds(...pages));
      } else {
        const pages = pool.allocate(random.integer(0, 6));
        if (pages) held.push(pages);
      }
      const all = held.flat();
      expect(new Set(all).size).toBe(all.length);
      expect(pool.numFree).toBe(16 - all.length);
    }
  });
});
