import { describe, expect, test } from 'vitest';
import { createRowNoise } from './row-noise.js';

const ids = Array.from({ length: 20_000 }, (_, id) => id);

/** The uniform number behind a value of Gumbel noise. */
const uniformOf = (noise: number): number => Math.exp(-Math.exp(-noise));

describe('createRowNoise', () => {
  test('is a pure function of its key', () => {
    const [a, b] = [createRowNoise(1, 2, 3), createRowNoise(1, 2, 3)];
    expect(ids.map(a)).toEqual(ids.map(b));
    expect(a(17)).toBe(b(17));
  });

  for (const [what, seed, choiceIndex, position] of [
    ['seed', 8, 0, 5],
    ['high half of the seed', 7 + 2 ** 32, 0, 5],
    ['highest bit of the seed', 7 + 2 ** 52, 0, 5],
    ['choice', 7, 1, 5],
    ['position', 7, 0, 6],
    ['choice and position swapped', 7, 5, 0],
  ] as const) {
    test(`is uncorrelated under another ${what}`, () => {
      const [noise, other] = [createRowNoise(7, 0, 5), createRowNoise(seed, choiceIndex, position)];
      expect(Math.abs(correlation(noise, other))).toBeLessThan(4 / Math.sqrt(ids.length));
    });
  }

  test('never repeats a key over many seeds, choices and positions', () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      for (let choice = 0; choice < 4; choice++) {
        for (let position = 0; position < 50; position++) seen.add(createRowNoise(seed, choice, position)(0));
      }
    }
    expect(seen.size).toBe(20 * 4 * 50);
  });

  for (const [what, draw] of [
    ['ids', (i: number) => createRowNoise(3, 0, 9)(i)],
    ['positions', (i: number) => createRowNoise(3, 0, i)(9)],
    ['seeds', (i: number) => createRowNoise(i, 0, 3)(9)],
  ] as const) {
    test(`is uniform over ${what} before it is made Gumbel noise`, () => {
      const numBins = 64;
      const counts = new Array<number>(numBins).fill(0);
      for (const id of ids) counts[Math.floor(uniformOf(draw(id)) * numBins)]++;
      const expected = ids.length / numBins;
      const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      // 63 degrees of freedom: mean 63, standard deviation 11.2; 112 is the 99.99 % quantile.
      expect(chiSquare).toBeLessThan(112);
    });
  }

  test('is finite for the largest seed and id', () => {
    expect(Number.isFinite(createRowNoise(Number.MAX_SAFE_INTEGER, 127, 1_000_000)(151_935))).toBe(true);
  });
});

function correlation(a: (id: number) => number, b: (id: number) => number): number {
  const xs = ids.map((id) => uniformOf(a(id)) - 0.5);
  const ys = ids.map((id) => uniformOf(b(id)) - 0.5);
  return (12 * xs.reduce((sum, x, i) => sum + x * ys[i], 0)) / ids.length;
}
