import { type EmbeddingKey, embeddingKey } from '@tessera/domain';
import { SeededRandom } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { EmbeddingCache } from './embedding-cache.js';

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(embeddingKey);
const rows = (numValues: number, value = 0) => new Float32Array(numValues).fill(value);
const held = (cache: EmbeddingCache) => [a, b, c, d].filter((key) => cache.has(key));

describe('EmbeddingCache', () => {
  test('gives back what was put', () => {
    const cache = new EmbeddingCache(100);
    const embedding = rows(3, 7);
    expect(cache.put(a, embedding)).toBe(true);
    expect(cache.get(a)).toBe(embedding);
    expect(cache.get(b)).toBeUndefined();
    expect(cache).toMatchObject({ numEntries: 1, numBytes: 12 });
  });

  test('keeps as much as its bound holds, to the byte', () => {
    const cache = new EmbeddingCache(24);
    cache.put(a, rows(3));
    cache.put(b, rows(3));
    expect(held(cache)).toEqual([a, b]);
    cache.put(c, rows(1));
    expect(held(cache)).toEqual([b, c]);
    expect(cache.numBytes).toBe(16);
  });

  test('evicts what was used least recently, as often as it must', () => {
    const cache = new EmbeddingCache(48);
    for (const key of [a, b, c, d]) cache.put(key, rows(3));
    cache.get(a);
    cache.has(b);
    cache.put(embeddingKey('e'), rows(6));
    expect(held(cache)).toEqual([a, d]);
  });

  test('refuses a key that it has', () => {
    const cache = new EmbeddingCache(24);
    cache.put(a, rows(3));
    expect(() => cache.put(a, rows(3))).toThrow('a is there already');
    expect(cache).toMatchObject({ numEntries: 1, numBytes: 12 });
  });

  test('tells what it evicts, in order', () => {
    const evicted: string[] = [];
    const cache = new EmbeddingCache(36, (key) => evicted.push(key));
    for (const key of [a, b, c]) cache.put(key, rows(3));
    cache.get(a);
    cache.put(d, rows(6));
    expect(evicted).toEqual([b, c]);
    expect([...cache.keys()]).toEqual([a, d]);
  });

  describe('a pin', () => {
    test('keeps an embedding for as long as somebody holds it', () => {
      const cache = new EmbeddingCache(24);
      for (const key of [a, b]) cache.put(key, rows(3));
      for (let i = 0; i < 2; i++) expect(cache.pin(a)).toEqual(rows(3));
      cache.put(c, rows(3));
      cache.release(a);
      cache.put(d, rows(3));
      expect(held(cache)).toEqual([a, d]);
      cache.release(a);
      cache.put(b, rows(3));
      expect(held(cache)).toEqual([b, d]);
    });

    test('lets the bound be exceeded until it is released', () => {
      const cache = new EmbeddingCache(24);
      for (const key of [a, b]) cache.put(key, rows(3));
      for (const key of [a, b]) cache.pin(key);
      expect(cache.put(c, rows(3))).toBe(true);
      expect([held(cache), cache.numBytes]).toEqual([[a, b, c], 36]);
      cache.release(b);
      expect([held(cache), cache.numBytes]).toEqual([[a, c], 24]);
    });

    test('is a use, and none of what is not there', () => {
      const cache = new EmbeddingCache(24);
      for (const key of [a, b]) cache.put(key, rows(3));
      cache.pin(a);
      cache.release(a);
      cache.put(c, rows(3));
      expect(held(cache)).toEqual([a, c]);
      expect(cache.pin(b)).toBeUndefined();
    });

    test('is not released twice', () => {
      const cache = new EmbeddingCache(24);
      cache.put(a, rows(3));
      cache.pin(a);
      cache.release(a);
      expect(() => cache.release(a)).toThrow('a was released but not pinned');
    });
  });

  test('refuses one that is above the bound alone, and loses nothing for it', () => {
    const cache = new EmbeddingCache(24);
    cache.put(a, rows(3));
    expect(cache.put(b, rows(7))).toBe(false);
    expect(held(cache)).toEqual([a]);
    expect(cache.put(b, rows(6))).toBe(true);
    expect(held(cache)).toEqual([b]);
  });

  test('stays within its bound but for what is pinned, and counts right, whatever is put, used and pinned', () => {
    const random = new SeededRandom(1);
    const cache = new EmbeddingCache(80, (key) => sizes.delete(key));
    const sizes = new Map<string, number>();
    const pinned: EmbeddingKey[] = [];
    for (let operation = 0; operation < 2000; operation++) {
      const key = random.pick([a, b, c, d]);
      if (random.uniform() < 0.3) cache.get(key);
      if (random.uniform() < 0.3 && cache.pin(key)) pinned.push(key);
      if (random.uniform() < 0.4 && pinned.length > 0) cache.release(pinned.pop() as EmbeddingKey);
      const size = random.integer(0, 24);
      if (!cache.has(key) && cache.put(key, rows(size))) sizes.set(key, 4 * size);
      const numBytes = (keys: readonly string[]) => keys.reduce((sum, each) => sum + (sizes.get(each) ?? 0), 0);
      expect(cache.numBytes).toBe(numBytes(held(cache)));
      expect(held(cache)).toEqual([...sizes.keys()].sort());
      for (const each of pinned) expect(cache.has(each)).toBe(true);
      if (pinned.length === 0) expect(cache.numBytes).toBeLessThanOrEqual(80);
    }
  });
});
