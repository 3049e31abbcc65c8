import { ServingError } from '@tessera/domain';
import { describe, expect, test } from 'vitest';
import { type AttentionCapacity, type KvMemoryPlan, planMemories } from './kv-memory-plan.js';

const capacity: AttentionCapacity = { numPages: 8, maxRows: 6, maxSpans: 2, maxPositions: 40, numThreads: 3 };
const shape = { numLayers: 5, numHeads: 6, numKvHeads: 2, headDim: 16 };
const pageBytes = 16 * 16 * 4;

const regions = ['job', 'queries', 'keys', 'values', 'output', 'rowTable', 'pageTables', 'scratch', 'pool'] as const;

/** Bytes that a region must hold at least. */
function leastBytes({ numLayers, poolBytes, scratchBytes }: KvMemoryPlan): Record<(typeof regions)[number], number> {
  const rowBytes = { query: 6 * 6 * 16 * 4, key: 6 * 2 * 16 * 4 };
  return {
    job: 52,
    queries: rowBytes.query,
    keys: rowBytes.key,
    values: rowBytes.key,
    output: rowBytes.query,
    rowTable: 6 * 8,
    pageTables: 2 * 3 * 4,
    scratch: 3 * scratchBytes,
    pool: 2 * numLayers * poolBytes,
  };
}

function catchError(work: () => unknown): ServingError {
  try {
    work();
  } catch (error) {
    return error as ServingError;
  }
  throw new Error('Nothing was thrown.');
}

describe('planMemories', () => {
  test('puts all layers into one memory where they fit', () => {
    const [plan, ...others] = planMemories(shape, capacity, pageBytes);
    expect(others).toEqual([]);
    expect(plan).toMatchObject({ numLayers: 5, poolBytes: 8 * 2 * pageBytes });
  });

  test('gives every region the bytes it needs, none of another’s, and a vector’s alignment', () => {
    const [plan] = planMemories(shape, capacity, pageBytes);
    const ends = [...regions.slice(1).map((region) => plan[region]), plan.numBytes];
    for (const [i, region] of regions.entries()) {
      expect(plan[region] % 16, region).toBe(0);
      expect(ends[i] - plan[region], region).toBeGreaterThanOrEqual(leastBytes(plan)[region]);
    }
  });

  const gib = 2 ** 30;
  /** Pages with which a layer's keys and values take `layerBytes`. */
  const pagesOf = (layerBytes: number): number => layerBytes / (2 * shape.numKvHeads * pageBytes);
  for (const [title, layerBytes, layersByMemory] of [
    ['as many layers as fit below 4 GiB', 1.5 * gib, [2, 2, 1]],
    ['one layer in each memory when two do not fit', 2 * gib, [1, 1, 1, 1, 1]],
    ['nearly all layers in the first', 0.99 * gib, [4, 1]],
  ] as const) {
    test(`puts ${title}`, () => {
      const plans = planMemories(shape, { ...capacity, numPages: pagesOf(layerBytes) }, pageBytes);
      expect(plans.map(({ numLayers }) => numLayers)).toEqual(layersByMemory);
      for (const { numBytes } of plans) expect(numBytes).toBeLessThan(2 ** 32);
      for (const { pool } of plans) expect(pool).toBe(plans[0].pool);
    });
  }

  test('refuses a pool of which one memory cannot hold a layer', () => {
    const numPages = pagesOf(4 * gib);
    const refused = catchError(() => planMemories(shape, { ...capacity, numPages }, pageBytes));
    const given = numPages * 16;
    expect(refused).toMatchObject({ reason: 'invalid_option', facts: { option: '--kv-cache-tokens', given } });
    const limit = refused.facts.limit as number;
    expect(refused.message).toContain(`${given} positions is above ${limit}`);
    expect(planMemories(shape, { ...capacity, numPages: limit / 16 }, pageBytes)).toHaveLength(5);
    expect(() => planMemories(shape, { ...capacity, numPages: limit / 16 + 1 }, pageBytes)).toThrow(ServingError);
  });
});
