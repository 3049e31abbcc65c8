import type { TextConfig } from '@tessera/qwen2-5-vl';
import { describe, expect, it } from 'vitest';
import type { Range } from '../checkpoint/weight-slice.js';
import { tinyConfig } from '../testing/tiny-checkpoint.js';
import { planShard, type ShardPlan } from './shard-plan.js';

function textConfig(overrides: Partial<TextConfig>): TextConfig {
  return { ...tinyConfig.text, ...overrides };
}

/** Dimensions of the published 3B. */
const text3b = textConfig({ numHeads: 16, numKvHeads: 2, intermediateSize: 11_008, vocabSize: 151_936 });

function planAll(text: TextConfig, numRanks: number): ShardPlan[] {
  return Array.from({ length: numRanks }, (_, rank) => planShard(text, numRanks, rank));
}

/** The ranges joined, when each begins where the one before ends. */
function tile(ranges: readonly Range[]): Range | undefined {
  const isGapless = ranges.every(({ start }, i) => start === (ranges[i - 1]?.end ?? 0));
  return isGapless ? { start: 0, end: ranges.at(-1)!.end } : undefined;
}

describe('planShard', () => {
  it('leaves everything to a single rank', () => {
    expect(planShard(text3b, 1, 0)).toEqual({
      rank: 0,
      numRanks: 1,
      heads: { start: 0, end: 16 },
      kvHeads: { start: 0, end: 2 },
      intermediate: { start: 0, end: 11_008 },
      paddedIntermediate: 11_008,
      vocab: { start: 0, end: 151_936 },
    });
  });

  it('gives each of two ranks half', () => {
    expect(planShard(text3b, 2, 1)).toEqual({
      rank: 1,
      numRanks: 2,
      heads: { start: 8, end: 16 },
      kvHeads: { start: 1, end: 2 },
      intermediate: { start: 5504, end: 11_008 },
      paddedIntermediate: 5504,
      vocab: { start: 75_968, end: 151_936 },
    });
  });

  it('replicates KV heads when there are more ranks than them', () => {
    const kvHeads = planAll(text3b, 4).map((plan) => plan.kvHeads);
    expect(kvHeads).toEqual([
      { start: 0, end: 1 },
      { start: 0, end: 1 },
      { start: 1, end: 2 },
      { start: 1, end: 2 },
    ]);
  });

  const shapes: Readonly<Record<string, TextConfig>> = {
    '3B': text3b,
    '7B': textConfig({ numHeads: 28, numKvHeads: 4, intermediateSize: 18_944, vocabSize: 152_064 }),
    '72B': textConfig({ numHeads: 64, numKvHeads: 8, intermediateSize: 29_568, vocabSize: 152_064 }),
    'a model of odd sizes': textConfig({ numHeads: 8, numKvHeads: 2, intermediateSize: 344, vocabSize: 1409 }),
  };
  for (const [what, text] of Object.entries(shapes)) {
    for (const numRanks of [1, 2, 4]) {
      it(`splits ${what} over ${numRanks} without gap or overlap`, () => {
        const plans = planAll(text, numRanks);
        expect(tile(plans.map(({ heads }) => heads))).toEqual({ start: 0, end: text.numHeads });
        expect(tile(plans.map(({ intermediate }) => intermediate))).toEqual({ start: 0, end: text.intermediateSize });
        expect(tile(plans.map(({ vocab }) => vocab))).toEqual({ start: 0, end: text.vocabSize });
      });

      it(`gives every rank of ${numRanks} of ${what} the KV heads of its query heads`, () => {
        const headsPerKvHead = text.numHeads / text.numKvHeads;
        for (const { heads, kvHeads } of planAll(text, numRanks)) {
          expect(Math.floor(heads.start / headsPerKvHead)).toBe(kvHeads.start);
          expect(Math.ceil(heads.end / headsPerKvHead)).toBe(kvHeads.end);
        }
      });

      it(`pads the intermediate size of ${what} to a multiple of 32 on each of ${numRanks}`, () => {
        const plans = planAll(text, numRanks);
        const [{ paddedIntermediate }] = plans;
        expect(paddedIntermediate % 32).toBe(0);
        expect(paddedIntermediate * numRanks - text.intermediateSize).toBeGreaterThanOrEqual(0);
        expect(paddedIntermediate * numRanks - text.intermediateSize).toBeLessThan(32 * numRanks);
        for (const plan of plans) {
          expect(plan.paddedIntermediate).toBe(paddedIntermediate);
          expect(plan.intermediate.end - plan.intermediate.start).toBeLessThanOrEqual(paddedIntermediate);
        }
      });
    }
  }

  it('leaves a rank nothing but padding when the others hold all', () => {
    const plans = planAll(textConfig({ numHeads: 4, numKvHeads: 4, intermediateSize: 40 }), 4);
    expect(plans.map(({ intermediate: { start, end } }) => [start, end])).toEqual([
      [0, 32],
      [32, 40],
      [40, 40],
      [40, 40],
    ]);
  });

  const refused: readonly (readonly [numHeads: number, numKvHeads: number, numRanks: number])[] = [
    [16, 2, 3],
    [16, 2, 32],
    [28, 4, 7],
    [28, 4, 14],
    [12, 4, 6],
    [16, 2, 0],
    [16, 2, -2],
    [16, 2, 1.5],
  ];
  for (const [numHeads, numKvHeads, numRanks] of refused) {
    it(`refuses ${numRanks} ranks for ${numHeads} heads and ${numKvHeads} KV heads`, () => {
      expect(() => planShard(textConfig({ numHeads, numKvHeads }), numRanks, 0)).toThrow(
        expect.objectContaining({ reason: 'tensor_parallel_degree', facts: { numRanks, numHeads, numKvHeads } }),
      );
    });
  }
});
