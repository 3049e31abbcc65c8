import type { ModelConfig } from '@tessera/qwen2-5-vl';
import { describe, expect, it } from 'vitest';
import { tinyConfig } from '../testing/tiny-checkpoint.js';
import { assertTensors, expectedTensors } from './expected-tensors.js';

const tied = tinyConfig;
const untied: ModelConfig = { ...tinyConfig, isHeadTied: false };

function shapesWithout(...names: string[]): Map<string, readonly number[]> {
  return new Map([...expectedTensors(tied)].filter(([name]) => !names.includes(name)));
}

describe('expectedTensors', () => {
  it('counts 12 a vision block and 6 around them, 12 a layer and 2 around them', () => {
    const config = { ...tied, text: { ...tied.text, numLayers: 36 }, vision: { ...tied.vision, depth: 32 } };
    const names = [...expectedTensors(config).keys()];
    expect(names.filter((name) => name.startsWith('visual.'))).toHaveLength(390);
    expect(names.filter((name) => name.startsWith('model.'))).toHaveLength(434);
  });

  it('has a head only where it is not the embedding table', () => {
    expect(expectedTensors(tied).has('lm_head.weight')).toBe(false);
    expect(expectedTensors(untied).get('lm_head.weight')).toEqual([20, 16]);
  });

  const shapes: Readonly<Record<string, number[]>> = {
    'visual.patch_embed.proj.weight': [8, 3, 2, 2, 2],
    'visual.blocks.0.attn.qkv.weight': [24, 8],
    'visual.blocks.0.mlp.down_proj.weight': [8, 12],
    'visual.merger.mlp.0.weight': [32, 32],
    'visual.merger.mlp.2.weight': [16, 32],
    'model.layers.0.self_attn.q_proj.weight': [16, 16],
    'model.layers.0.self_attn.k_proj.weight': [8, 16],
    'model.layers.0.self_attn.v_proj.bias': [8],
    'model.layers.0.mlp.down_proj.weight': [16, 40],
  };
  for (const [name, shape] of Object.entries(shapes)) {
    it(`gives ${name} the shape [${shape}]`, () => expect(expectedTensors(tied).get(name)).toEqual(shape));
  }
});

describe('assertTensors', () => {
  it('accepts exactly the tensors of the configuration', () => {
    expect(() => assertTensors(tied, expectedTensors(tied))).not.toThrow();
    expect(() => assertTensors(untied, expectedTensors(untied))).not.toThrow();
  });

  it('ignores a head stored beside a tied one', () => {
    expect(() => assertTensors(tied, expectedTensors(untied))).not.toThrow();
  });

  it('names what is missing', () => {
    const shapes = shapesWithout('model.norm.weight', 'visual.merger.ln_q.weight');
    expect(() => assertTensors(tied, shapes)).toThrow(
      expect.objectContaining({
        reason: 'tensor_missing',
        message: 'The checkpoint lacks visual.merger.ln_q.weight, model.norm.weight.',
        facts: { tensor: 'visual.merger.ln_q.weight', numTensors: 2 },
      }),
    );
  });

  it('misses a head that is not tied', () => {
    expect(() => assertTensors(untied, expectedTensors(tied))).toThrow('The checkpoint lacks lm_head.weight.');
  });

  it('names what the model has no place for', () => {
    const shapes = expectedTensors(tied).set('model.layers.1.mlp.up_proj.weight', [40, 16]);
    expect(() => assertTensors(tied, shapes)).toThrow(
      expect.objectContaining({
        reason: 'tensor_unused',
        message: 'The model has no place for model.layers.1.mlp.up_proj.weight.',
      }),
    );
  });

  it('names what has another shape', () => {
    const shapes = expectedTensors(tied).set('model.layers.0.mlp.up_proj.weight', [16, 40]);
    expect(() => assertTensors(tied, shapes)).toThrow(
      expect.objectContaining({
        reason: 'tensor_misshaped',
        message: 'Shapes contradict config.json: model.layers.0.mlp.up_proj.weight [16, 40] instead of [40, 16].',
      }),
    );
  });

  it('lists ten names and counts the rest', () => {
    expect(() => assertTensors(tied, new Map())).toThrow(/(\S+, ){9}\S+ and 22 more\.$/);
  });
});
