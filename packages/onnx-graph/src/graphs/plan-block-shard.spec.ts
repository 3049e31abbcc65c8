import { describe, expect, it } from 'vitest';
import { tinyConfig } from '../testing/tiny-checkpoint.js';
import type { WeightForms } from '../weights/weight-forms.js';
import { type WeightPlan, weightPlans } from '../weights/weight-plan.js';
import { planBlockShard } from './plan-block-shard.js';

/** 4 heads of 32, 400 intermediate. */
const text = { ...tinyConfig.text, headDim: 32, intermediateSize: 400 };
const layer = 'model.layers.0';

function formsOf(plan: WeightPlan, blockLen?: number): WeightForms {
  if (blockLen === undefined) return { plan, packed: {} };
  const kept = { kept: { kind: 'int4', blockLen, published: 'zeroPoints' } } as const;
  const names = [`${layer}.self_attn.o_proj.weight`, `${layer}.mlp.down_proj.weight`];
  return { plan, packed: Object.fromEntries(names.map((name) => [name, kept])) };
}

describe('planBlockShard', () => {
  it('pads the intermediate part to whole blocks of what is kept as published', () => {
    const padded = (forms: WeightForms) => planBlockShard(text, forms, 2, 0).paddedIntermediate;
    expect(padded(formsOf(weightPlans.auto))).toBe(224);
    expect(padded(formsOf(weightPlans.auto, 64))).toBe(256);
  });

  it('refuses ranks whose part of o_proj would begin inside a block', () => {
    const forms = formsOf(weightPlans.auto, 64);
    expect(planBlockShard(text, forms, 2, 1).heads).toEqual({ start: 2, end: 4 });
    expect(() => planBlockShard(text, forms, 4, 0)).toThrow(
      expect.objectContaining({ reason: 'tensor_parallel_degree', facts: { numRanks: 4, blockLen: 64, numCols: 32 } }),
    );
  });

  it('lets forms without blocks be cut anywhere', () => {
    expect(planBlockShard(text, formsOf(weightPlans.int8, 64), 4, 3).heads).toEqual({ start: 3, end: 4 });
  });
});
