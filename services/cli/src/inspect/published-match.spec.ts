import { expectedTensors } from '@tessera/onnx-graph';
import { type ModelConfig, validateModelConfig } from '@tessera/qwen2-5-vl';
import { describe, expect, it } from 'vitest';
import { publishedConfig } from '../random-checkpoint/published-config.js';
import { countParameters } from './parameter-counts.js';
import { matchPublished } from './published-match.js';
import { type PublishedSizeId, publishedSizes } from './published-sizes.js';

function configOf(size: PublishedSizeId, changes: object = {}): ModelConfig {
  const published = publishedSizes[size];
  return validateModelConfig({ ...publishedConfig(published, published.text.numLayers), ...changes });
}

const match = (config: ModelConfig) => matchPublished(config, countParameters(expectedTensors(config)));

describe('countParameters', () => {
  /** Spec §1.3. */
  const numTensors: Readonly<Record<PublishedSizeId, readonly number[]>> = {
    '3b': [434, 390, 824],
    '7b': [339, 390, 729],
    '32b': [771, 390, 1161],
    '72b': [963, 390, 1353],
  };
  for (const [size, numbers] of Object.entries(numTensors)) {
    it(`counts ${numbers.join(', ')} tensors of the ${size}`, () => {
      const { language, vision, total } = countParameters(expectedTensors(configOf(size as PublishedSizeId)));
      expect([language, vision, total].map((part) => part.numTensors)).toEqual(numbers);
    });
  }

  it('sums the parts', () => {
    const counts = countParameters(expectedTensors(configOf('72b')));
    expect(counts.total.numParams).toBe(73_410_777_344);
  });
});

describe('matchPublished', () => {
  for (const size of Object.keys(publishedSizes) as PublishedSizeId[]) {
    it(`recognises the ${size} by its dimensions and parameter counts`, () => {
      expect(match(configOf(size))).toEqual({ size: publishedSizes[size].name, differences: [] });
    });
  }

  it('names dimensions that differ', () => {
    const config = configOf('7b', { num_hidden_layers: 2, vocab_size: 151_936, tie_word_embeddings: true });
    expect(match(config)).toEqual({
      size: '7B',
      differences: [
        'layers: 2 instead of 28',
        'vocabulary: 151,936 instead of 152,064',
        'head: tied instead of its own',
      ],
    });
  });

  it('names parameter counts that differ although no dimension does', () => {
    const config = configOf('3b');
    const shapes = expectedTensors(config);
    shapes.delete('visual.merger.mlp.2.bias');
    expect(matchPublished(config, countParameters(shapes)).differences).toEqual([
      'parameters of the vision part: 668,682,240 instead of 668,684,288',
    ]);
  });

  it('knows no published size of another width', () => {
    const config = configOf('3b', {
      hidden_size: 1024,
      num_attention_heads: 8,
      vision_config: { hidden_size: 128, intermediate_size: 12 },
    });
    expect(match(config)).toEqual({ size: undefined, differences: [] });
  });
});
