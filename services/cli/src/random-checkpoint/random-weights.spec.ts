import { widenToFloat32 } from '@tessera/onnx-graph';
import { describe, expect, it } from 'vitest';
import { RandomWeights } from './random-weights.js';

function draw(weights: RandomWeights, tensor: string, numValues: number): number[] {
  return [...weights.blocks(tensor, numValues)].flatMap((block) => [...widenToFloat32(block, 'BF16')]);
}

function statistics(values: readonly number[]) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

describe('RandomWeights', () => {
  const weights = new RandomWeights(1);

  for (const tensor of ['model.layers.0.mlp.up_proj.weight', 'model.layers.0.self_attn.q_proj.bias']) {
    it(`draws ${tensor} around 0`, () => {
      const { mean, deviation } = statistics(draw(weights, tensor, 50_000));
      expect(Math.abs(mean)).toBeLessThan(0.001);
      expect(deviation).toBeCloseTo(0.02, 3);
    });
  }

  const gains = [
    'visual.blocks.0.norm1.weight',
    'visual.merger.ln_q.weight',
    'model.layers.0.post_attention_layernorm.weight',
    'model.norm.weight',
  ];
  for (const tensor of gains) {
    it(`draws ${tensor} around 1`, () => {
      const { mean, deviation } = statistics(draw(weights, tensor, 20_000));
      expect(mean).toBeCloseTo(1, 2);
      expect(deviation).toBeCloseTo(0.02, 2);
    });
  }

  it('gives as many values as asked for, in blocks of at most 4 MiB', () => {
    const lengths = [...weights.blocks('w', 5_000_001)].map((block) => block.byteLength);
    expect(lengths).toEqual([4 << 20, 4 << 20, 2 * 5_000_001 - (8 << 20)]);
  });

  it('gives equal weights for equal seeds and others for others', () => {
    const drawn = [2, 2, 3].map((seed) => draw(new RandomWeights(seed), 'w', 100));
    expect(drawn[1]).toEqual(drawn[0]);
    expect(drawn[2]).not.toEqual(drawn[0]);
  });
});
