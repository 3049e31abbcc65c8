import { type BlockHash, blockHash, type PageId, pageId, type Seal } from '@tessera/domain';
import { pageIds, SeededRandom } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { PageAccounting } from './page-accounting.js';

const pageLen = 16;
const numPages = 11;

/** Hashes of the full pages of a prompt of `numTokens`; prompts of one name are equal as far as they go. */
function hashesOf(name: string, numTokens: number): BlockHash[] {
  return Array.from({ length: Math.floor(numTokens / pageLen) }, (_, i) => blockHash(`${name}${i}`));
}

/** Takes pages for a prompt, those found first, as a scheduler does. */
function admit(pages: PageAccounting, hashes: readonly BlockHash[], numTokens: number): PageId[] | undefined {
  const hits = pages.lookup(hashes);
  pages.acquirePages(hits);
  const rest = pages.allocate(Math.ceil(numTokens / pageLen) - hits.length);
  if (rest) return [...hits, ...rest];
  pages.release(hits.reverse());
  return undefined;
}

function run(pages: PageAccounting, name: string, numTokens: number): PageId[] {
  const hashes = hashesOf(name, numTokens);
  const table = admit(pages, hashes, numTokens);
  if (!table) throw new Error(`no room for ${name}`);
  for (const [i, hash] of hashes.entries()) pages.publish(table[i], hash);
  return table;
}

function end(pages: PageAccounting, table: readonly PageId[]): void {
  pages.release([...table].reverse());
  pages.checkIntegrity();
}

function seal(page: number, hash: string, generation = 1): Seal {
  return { pageId: pageId(page), blockHash: blockHash(hash), generation };
}

function createPages(): PageAccounting {
  return new PageAccounting({ numPages });
}

function countsOf({ numFree, numCached, numOwned }: PageAccounting): number[] {
  return [numFree, numCached, numOwned];
}

describe('allocate', () => {
  test('gives the lowest pages first, in order', () => {
    const pages = createPages();
    expect(countsOf(pages)).toEqual([11, 0, 0]);
    expect(pages.allocate(3)).toEqual([0, 1, 2]);
    expect(pages.allocate(2)).toEqual([3, 4]);
    expect(countsOf(pages)).toEqual([6, 0, 5]);
  });

  test('gives all that is asked or nothing', () => {
    const pages = createPages();
    pages.allocate(9);
    expect(pages.canAllocate(3)).toBe(false);
    expect(pages.allocate(3)).toBeUndefined();
    expect(countsOf(pages)).toEqual([2, 0, 9]);
    expect(pages.canAllocate(2)).toBe(true);
    expect(pages.allocate(2)).toEqual([9, 10]);
    expect(pages.allocate(0)).toEqual([]);
  });

  test('gives the pages freed last first, in their order', () => {
    const pages = createPages();
    const [first, second] = [pages.allocate(2), pages.allocate(3)] as const;
    end(pages, first ?? []);
    end(pages, second ?? []);
    expect(pages.allocate(6)).toEqual([2, 3, 4, 0, 1, 5]);
  });

  test('raises the generation of every page that it gives, and of no other', () => {
    const pages = createPages();
    end(pages, pages.allocate(2) ?? []);
    pages.allocate(1);
    expect(pageIds(0, 1, 2).map((page) => pages.generationOf(page))).toEqual([2, 1, 0]);
  });

  test('evicts only when no page is free, the one released longest ago first', () => {
    const pages = createPages();
    const a = run(pages, 'a', 3 * pageLen);
    const b = run(pages, 'b', 3 * pageLen);
    end(pages, b);
    end(pages, a);
    expect(countsOf(pages)).toEqual([5, 6, 0]);
    expect(pages.allocate(5)).toEqual([6, 7, 8, 9, 10]);
    expect(pages.allocate(4)).toEqual([5, 4, 3, 2]);
    expect(pages.lookup(hashesOf('b', 3 * pageLen))).toEqual([]);
    expect(pages.lookup(hashesOf('a', 3 * pageLen))).toEqual([0, 1]);
    expect(countsOf(pages)).toEqual([0, 2, 9]);
  });

  test('never evicts a page that somebody holds', () => {
    const pages = createPages();
    const a = run(pages, 'a', 4 * pageLen);
    end(pages, run(pages, 'b', 4 * pageLen));
    expect(pages.canAllocate(7)).toBe(true);
    expect(pages.canAllocate(8)).toBe(false);
    expect(pages.allocate(7)).toEqual([8, 9, 10, 7, 6, 5, 4]);
    expect(pages.lookup(hashesOf('a', 4 * pageLen))).toEqual(a);
  });
});

describe('a prefix', () => {
  test('is found by a sequence that begins alike, while the first one runs and after it', () => {
    const pages = createPages();
    const a = run(pages, 'p', 55);
    expect(a).toEqual([0, 1, 2, 3]);
    expect(admit(pages, hashesOf('p', 48), 55)).toEqual([0, 1, 2, 4]);
    end(pages, a);
    end(pages, [0, 1, 2, 4].map(pageId));
    expect(countsOf(pages)).toEqual([8, 3, 0]);
    expect(admit(pages, hashesOf('p', 64), 70)).toEqual([0, 1, 2, 4, 3]);
  });

  test('ends at the first page that is not found', () => {
    const pages = createPages();
    run(pages, 'p', 64);
    const [first, , third] = hashesOf('p', 64);
    expect(pages.lookup([first, blockHash('other'), third])).toEqual([0]);
    expect(pages.lookup([blockHash('other'), first])).toEqual([]);
    expect(pages.lookup([])).toEqual([]);
  });

  test('outlives what continues it when pages are released last to first', () => {
    const pages = createPages();
    end(pages, run(pages, 'p', 80));
    expect(pages.allocate(8)).toEqual([5, 6, 7, 8, 9, 10, 4, 3]);
    expect(pages.lookup(hashesOf('p', 80))).toEqual([0, 1, 2]);
  });

  test('is young again after it was used', () => {
    const pages = createPages();
    end(pages, run(pages, 'p', 32));
    end(pages, run(pages, 'q', 32));
    end(pages, admit(pages, hashesOf('p', 32), 32) ?? []);
    expect(pages.allocate(9)?.slice(7)).toEqual([3, 2]);
    expect(pages.lookup(hashesOf('p', 32))).toEqual([0, 1]);
  });

  test('is given back in its place when there is no room for the rest', () => {
    const pages = createPages();
    end(pages, run(pages, 'p', 32));
    pages.allocate(8);
    expect(admit(pages, hashesOf('p', 32), 4 * pageLen)).toBeUndefined();
    expect(countsOf(pages)).toEqual([1, 2, 8]);
    expect(pages.lookup(hashesOf('p', 32))).toEqual([0, 1]);
    pages.checkIntegrity();
  });

  test('is acquired page by page, too', () => {
    const pages = createPages();
    end(pages, run(pages, 'p', 16));
    expect(pages.acquire(blockHash('p0'))).toBe(0);
    expect(pages.acquire(blockHash('p0'))).toBe(0);
    expect(pages.acquire(blockHash('p1'))).toBeUndefined();
    pages.release(pageIds(0));
    expect(countsOf(pages)).toEqual([10, 0, 1]);
    pages.release(pageIds(0));
    expect(countsOf(pages)).toEqual([10, 1, 0]);
  });

  test('looked up is neither held nor younger', () => {
    const pages = createPages();
    end(pages, run(pages, 'p', 16));
    end(pages, run(pages, 'q', 16));
    pages.lookup(hashesOf('p', 16));
    expect(pages.allocate(10)?.at(-1)).toBe(0);
  });
});

describe('publish', () => {
  test('keeps the older of two pages with one content, and frees the younger with its sequence', () => {
    const pages = createPages();
    const [first, second] = pages.allocate(2) ?? [];
    expect(pages.publish(first, blockHash('x'))).toBe('published');
    expect(pages.publish(second, blockHash('x'))).toBe('duplicate');
    expect(pages.publish(first, blockHash('x'))).toBe('published');
    end(pages, [first, second]);
    expect(countsOf(pages)).toEqual([10, 1, 0]);
    expect(pages.lookup([blockHash('x')])).toEqual([first]);
  });

  test('finds a page at once, while its sequence runs', () => {
    const pages = createPages();
    const [page] = pages.allocate(1) ?? [];
    pages.publish(page, blockHash('x'));
    expect(pages.lookup([blockHash('x')])).toEqual([page]);
  });
});

describe('unpublish', () => {
  test('lets nobody find a page any more, and leaves it to those who hold it', () => {
    const pages = createPages();
    const [page] = pages.allocate(1) ?? [];
    pages.publish(page, blockHash('x'));
    pages.acquirePages([page]);
    pages.takeChanged();
    pages.unpublish(page, blockHash('x'));
    expect([pages.lookup([blockHash('x')]), pages.takeChanged()]).toEqual([[], [page]]);
    pages.release([page]);
    expect(countsOf(pages)).toEqual([10, 0, 1]);
    end(pages, [page]);
    expect(countsOf(pages)).toEqual([11, 0, 0]);
  });

  test('frees a page that nobody holds, for whoever needs one next', () => {
    const pages = createPages();
    end(pages, run(pages, 'p', 48));
    pages.unpublish(pageId(1), blockHash('p1'));
    pages.checkIntegrity();
    expect(countsOf(pages)).toEqual([9, 2, 0]);
    expect(pages.lookup(hashesOf('p', 48))).toEqual([0]);
    expect(pages.allocate(1)).toEqual([1]);
  });

  test('changes nothing for a page that is not found under the hash', () => {
    const pages = createPages();
    const [first, second] = pages.allocate(2) ?? [];
    for (const page of [first, second]) pages.publish(page, blockHash('x'));
    pages.takeChanged();
    pages.unpublish(second, blockHash('x'));
    pages.unpublish(first, blockHash('y'));
    expect([pages.lookup([blockHash('x')]), pages.takeChanged()]).toEqual([[first], []]);
  });
});

describe('adopt', () => {
  test('takes sealed pages as cached with their generations, the first to be evicted first', () => {
    const pages = createPages();
    expect(pages.adopt([seal(7, 'x', 5), seal(2, 'y', 3)])).toBe(2);
    pages.checkIntegrity();
    expect(countsOf(pages)).toEqual([9, 2, 0]);
    expect(pages.lookup(['y', 'x'].map(blockHash))).toEqual([2, 7]);
    expect(pages.allocate(10)).toEqual([0, 1, 3, 4, 5, 6, 8, 9, 10, 7]);
    expect(pages.generationOf(pageId(7))).toBe(6);
    expect(pages.generationOf(pageId(2))).toBe(3);
  });

  test('takes the first of two pages with one hash, and goes on counting the generations of both', () => {
    const pages = createPages();
    expect(pages.adopt([seal(4, 'x', 2), seal(0, 'x', 8)])).toBe(1);
    pages.checkIntegrity();
    expect(pages.lookup([blockHash('x')])).toEqual([4]);
    expect(pages.allocate(1)).toEqual([0]);
    expect(pages.generationOf(pageId(0))).toBe(9);
  });

  for (const [title, seals] of [
    ['twice', [seal(3, 'x'), seal(3, 'y')]],
    ['that is owned', [seal(0, 'x')]],
    ['that is cached', [seal(1, 'x')]],
    ['that there is not', [seal(11, 'x')]],
  ] as const) {
    test(`throws for a page ${title}`, () => {
      const pages = createPages();
      const [, cached] = pages.allocate(2) ?? [];
      pages.publish(cached, blockHash('c'));
      pages.release([cached]);
      expect(() => pages.adopt(seals)).toThrow(/page \d+ is adopted but not free; .* of 11/);
    });
  }
});

describe('evictAll', () => {
  test('frees what is cached and leaves what is held', () => {
    const pages = createPages();
    const held = run(pages, 'p', 32);
    end(pages, run(pages, 'q', 48));
    pages.evictAll();
    pages.checkIntegrity([held]);
    expect(countsOf(pages)).toEqual([9, 0, 2]);
    expect(pages.lookup(hashesOf('q', 48))).toEqual([]);
    expect(pages.lookup(hashesOf('p', 32))).toEqual(held);
  });
});

describe('what is known of pages', () => {
  test('lists those that are not free, by id', () => {
    const pages = createPages();
    const [first, second] = pages.allocate(3) ?? [];
    pages.publish(first, blockHash('x'));
    pages.publish(second, blockHash('y'));
    pages.release([second]);
    expect(pages.records()).toEqual([
      { pageId: 0, state: 'owned', blockHash: 'x', generation: 1 },
      { pageId: 1, state: 'cached', blockHash: 'y', generation: 1 },
      { pageId: 2, state: 'owned', blockHash: undefined, generation: 1 },
    ]);
    expect(pages.record(pageId(3))).toBeUndefined();
  });

  test('tells once which pages changed, however it came about', () => {
    const pages = createPages();
    expect(pages.takeChanged()).toEqual([]);
    const [a, b] = pages.allocate(2) ?? [];
    expect(pages.takeChanged()).toEqual([a, b]);
    pages.publish(a, blockHash('x'));
    expect(pages.takeChanged()).toEqual([a]);
    pages.publish(b, blockHash('x'));
    expect(pages.takeChanged()).toEqual([]);
    pages.acquirePages([a]);
    pages.release([a, b]);
    expect(pages.takeChanged()).toEqual([a, b]);
    pages.release([a]);
    pages.allocate(11);
    expect(pages.takeChanged()).toHaveLength(11);
    pages.release([a]);
    pages.adopt([seal(a, 'z')]);
    pages.takeChanged();
    pages.evictAll();
    expect(pages.takeChanged()).toEqual([a]);
  });
});

describe('broken bookkeeping throws with its numbers', () => {
  const [owned, free, absent] = pageIds(0, 1, 11);
  for (const [title, breakIt, message] of [
    ['a free page is released', (p: PageAccounting) => p.release([free]), 'the page 1 is released but not owned'],
    ['a page is released twice', (p: PageAccounting) => p.release([owned, owned]), 'the page 0 is released'],
    ['a page that there is not is released', (p: PageAccounting) => p.release([absent]), 'the page 11 is released'],
    ['a free page is acquired', (p: PageAccounting) => p.acquirePages([free]), 'the free page 1 is acquired'],
    ['a page that there is not is acquired', (p: PageAccounting) => p.acquirePages([absent]), 'the free page 11'],
    ['a free page is published', (p: PageAccounting) => p.publish(free, blockHash('x')), 'published but not owned'],
    [
      'a page is published under two hashes',
      (p: PageAccounting) => ['x', 'y'].map((hash) => p.publish(owned, blockHash(hash))),
      'the page 0 is published under y and under x',
    ],
    ['holders are lost', (p: PageAccounting) => p.checkIntegrity([]), 'the page 0 is held 0 times and counts 1'],
  ] as const) {
    test(`when ${title}`, () => {
      const pages = createPages();
      pages.allocate(1);
      expect(() => breakIt(pages)).toThrow(message);
      expect(() => breakIt(pages)).toThrow(/\d+ pages are free, \d+ cached, \d+ owned of 11/);
    });
  }
});

test('no page is given to two, lost, or found under what it does not hold, whatever is done and whoever takes over', () => {
  const random = new SeededRandom(4);
  const seals = new Map<PageId, Seal>();
  const contents = new Map<PageId, string>();
  let pages = createPages();
  let tables: PageId[][] = [];
  let numHits = 0;
  let numAdopted = 0;
  const begin = (hashes: readonly BlockHash[], numTokens: number): void => {
    const hits = pages.lookup(hashes);
    expect(hits.map((page) => contents.get(page))).toEqual(hashes.slice(0, hits.length));
    numHits += hits.length;
    const table = admit(pages, hashes, numTokens);
    if (!table) return;
    tables.push(table);
    for (const page of table.slice(hits.length)) {
      contents.delete(page);
      // As ranks do when a page is given out again.
      seals.delete(page);
    }
    for (const [i, hash] of hashes.entries()) {
      contents.set(table[i], hash);
      if (i >= hits.length && random.uniform() < 0.8) pages.publish(table[i], hash);
      if (i >= hits.length && random.uniform() < 0.8)
        seals.set(table[i], seal(table[i], hash, pages.generationOf(table[i])));
    }
  };
  for (let operation = 0; operation < 5000; operation++) {
    const draw = random.uniform();
    if (draw < 0.01) {
      pages = createPages();
      tables = [];
      numAdopted += pages.adopt([...seals.values()]);
    } else if (draw < 0.05 && contents.size > 0) {
      const [page, hash] = random.pick([...contents]);
      pages.unpublish(page, blockHash(hash));
    } else if (draw < 0.5 && tables.length > 0) {
      const [table] = tables.splice(random.integer(0, tables.length - 1), 1);
      pages.release(table.reverse());
    } else {
      const hashes = hashesOf(random.pick(['p', 'q', 'r', 's']), random.integer(1, 5) * pageLen);
      begin(hashes, hashes.length * pageLen + random.integer(0, pageLen));
    }
    pages.checkIntegrity(tables);
  }
  expect(numHits).toBeGreaterThan(500);
  expect(numAdopted).toBeGreaterThan(100);
  for (const table of tables) pages.release(table);
  pages.evictAll();
  expect(countsOf(pages)).toEqual([11, 0, 0]);
});
