import { embeddingKey } from '@tessera/domain';
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

  test('counts a put as a use', () => {
    const cache = new EmbeddingCache(24);
    cache.put(a, rows(3));
    cache.put(b, rows(3));
    cache.put(a, rows(3));
    cache.put(c, rows(3));
    expect(held(cache)).toEqual([a, c]);
  });

  test('puts an embedding in the place of the one before', () => {
    const cache = new EmbeddingCache(24);
    cache.put(a, rows(6));
    expect(cache.put(a, rows(2, 5))).toBe(true);
    expect(cache.get(a)).toEqual(rows(2, 5));
    expect(cache).toMatchObject({ numEntries: 1, numBytes: 8 });
  });

  test('refuses one that is above the bound alone, and loses nothing for it', () => {
    const cache = new EmbeddingCache(24);
    cache.put(a, rows(3));
    expect(cache.put(b, rows(7))).toBe(false);
    expect(held(cache)).toEqual([a]);
    expect(cache.put(b, rows(6))).toBe(true);
    expect(held(cache)).toEqual([b]);
  });

  test('stays within its bound and counts right, whatever is put and used', () => {
    const random = new SeededRandom(1);
    const cache = new EmbeddingCache(80);
    const sizes = new Map<string, number>();
    for (let operation = 0; operation < 1000; operation++) {
      const key = random.pick([a, b, c, d]);
      if (random.uniform() < 0.3) cache.get(key);
      const size = random.integer(0, 24);
      if (cache.put(key, rows(size))) sizes.set(key, 4 * size);
      expect(cache.numBytes).toBe(held(cache).reduce((sum, each) => sum + (sizes.get(each) ?? 0), 0));
      expect(cache.numBytes).toBeLessThanOrEqual(80);
      expect(cache.numEntries).toBe(held(cache).length);
    }
  });
});
