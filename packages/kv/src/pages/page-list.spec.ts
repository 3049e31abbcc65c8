import { pageId } from '@tessera/domain';
import { pageIds, SeededRandom } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { PageList } from './page-list.js';

describe('PageList', () => {
  test('is empty at first', () => {
    const list = new PageList(3);
    expect(list.length).toBe(0);
    expect(list.first).toBeUndefined();
    expect([...list]).toEqual([]);
  });

  test('keeps pages in the order in which they came', () => {
    const list = new PageList(4);
    for (const page of pageIds(2, 0, 3)) list.push(page);
    expect([...list]).toEqual([2, 0, 3]);
    expect(list.first).toBe(2);
  });

  test('agrees with an array, whatever is pushed and removed', () => {
    const random = new SeededRandom(2);
    const list = new PageList(12);
    let expected: number[] = [];
    for (let operation = 0; operation < 1000; operation++) {
      const page = pageId(random.integer(0, 11));
      if (expected.includes(page)) {
        list.remove(page);
        expected = expected.filter((other) => other !== page);
      } else {
        list.push(page);
        expected.push(page);
      }
      expect([...list]).toEqual(expected);
      expect(list.first).toBe(expected[0]);
      expect(list.length).toBe(expected.length);
    }
  });
});
