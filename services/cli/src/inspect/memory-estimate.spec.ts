import type { KvBudget } from '@tessera/engine';
import { expectedTensors, type WeightPlan, weightPlans } from '@tessera/onnx-graph';
import { validateModelConfig } from '@tessera/qwen2-5-vl';
import { describe, expect, it } from 'vitest';
import { publishedConfig } from '../random-checkpoint/published-config.js';
import { estimateMemory, kvBytesByForm } from './memory-estimate.js';
import { type PublishedSizeId, publishedSizes } from './published-sizes.js';
import type { WorkLimits } from './working-memory.js';

function configOf(size: PublishedSizeId) {
  return validateModelConfig(publishedConfig(publishedSizes[size], publishedSizes[size].text.numLayers));
}

const kvCache: KvBudget = {
  kv: 'float32',
  maxSequences: 16,
  maxContextLen: undefined,
  kvCacheTokens: undefined,
  kvCacheBytes: 2 ** 30,
};

const work: WorkLimits = {
  threads: 2,
  maxSequences: 16,
  maxStepTokens: 512,
  encodeBatchPatches: 1_024,
  embeddingCacheBytes: 2 ** 20,
  mediaProcesses: 2,
  imagePixels: 200_704,
};
const others = { work, tokenizerFileBytes: 7_000_000 };

function estimate(size: PublishedSizeId, budget: Partial<KvBudget> = {}, plan: WeightPlan = weightPlans.fp32) {
  const config = configOf(size);
  const options = { weights: { plan, packed: {} }, kvCache: { ...kvCache, ...budget }, ...others };
  return estimateMemory(config, expectedTensors(config), options);
}

describe('kvBytesByForm', () => {
  /** Spec §1.3. */
  const halves: Readonly<Record<PublishedSizeId, number>> = {
    '3b': 36_864,
    '7b': 57_344,
    '32b': 262_144,
    '72b': 327_680,
  };
  for (const [size, half] of Object.entries(halves)) {
    it(`is ${half} in bf16 for the ${size} and twice that in fp32`, () => {
      expect(kvBytesByForm(configOf(size as PublishedSizeId).text)).toMatchObject({ half, float32: 2 * half });
    });
  }
});

describe('estimateMemory', () => {
  it('keeps a tied head in memory and the embedding table on disk', () => {
    const { weightBytes } = estimate('3b');
    expect(weightBytes.head).toBe(4 * 151_936 * 2048);
    expect(weightBytes.decoder).toBe(4 * (36 * 77_076_992 + 2048));
    expect(weightBytes.tower + weightBytes.merger).toBe(4 * 668_684_288);
  });

  it('counts a head of its own once', () => {
    const { weightBytes } = estimate('7b');
    expect(weightBytes.head).toBe(4 * 152_064 * 3584);
    expect(weightBytes.decoder).toBe(4 * (28 * 233_057_792 + 3584));
  });

  it('takes a byte a weight in int8, with a scale a row; vectors stay in fp32', () => {
    const { weightBytes } = estimate('3b', {}, weightPlans.int8);
    expect(weightBytes.head).toBe(151_936 * (2048 + 4));
    const numRows = 2048 + 256 + 256 + 2048 + 2 * 11_008 + 2048;
    const numVectorValues = 2 * 2048 + 2048 + 2 * 256;
    expect(weightBytes.decoder).toBe(
      36 * (77_076_992 - numVectorValues + 4 * numRows + 4 * numVectorValues) + 4 * 2048,
    );
  });

  it('takes half a byte a weight and a scale a block of 128 in int4, in the decoder alone', () => {
    const { weightBytes } = estimate('3b', {}, weightPlans.int4);
    expect(weightBytes.head).toBe(estimate('3b', {}, weightPlans.int8).weightBytes.head);
    const numVectorValues = 2 * 2048 + 2048 + 2 * 256;
    const matrixBytes = (77_076_992 - numVectorValues) * (1 / 2 + 4 / 128);
    expect(weightBytes.decoder).toBe(36 * (matrixBytes + 4 * numVectorValues) + 4 * 2048);
  });

  it('counts a decoder that is kept twice in both forms', () => {
    const [both, int8, int4] = (['int8+int4', 'int8', 'int4'] as const).map((name) =>
      estimate('3b', {}, weightPlans[name]),
    );
    const vectorBytes = 4 * (36 * (2 * 2048 + 2048 + 2 * 256) + 2048);
    expect(both!.weightBytes.decoder).toBe(int8!.weightBytes.decoder + int4!.weightBytes.decoder - vectorBytes);
    expect(both!.weightForms.decoder).toEqual(['int8', 'int4']);
  });

  it('takes what is published for packed matrices, zero points included', () => {
    const config = configOf('3b');
    const shapes = new Map([['model.layers.0.mlp.up_proj.weight', [11_008, 2048]]]);
    const kept = { kind: 'int4', blockLen: 128, published: 'zeroPoints' } as const;
    const weights = { plan: weightPlans.auto, packed: { 'model.layers.0.mlp.up_proj.weight': { kept } } };
    const { weightBytes, weightForms } = estimateMemory(config, shapes, { weights, kvCache, ...others });
    expect(weightBytes.decoder).toBe(11_008 * (2048 / 2 + 16 * (4 + 1 / 2)));
    expect(weightForms.decoder).toEqual(['int4 as published']);
  });

  it('takes as many positions as the server, in the form of --kv', () => {
    expect(estimate('3b', { kvCacheBytes: 1_000_000 })).toMatchObject({ kvCacheTokens: 13, kvCacheBytes: 13 * 73_728 });
    const int8 = estimate('3b', { kvCacheTokens: 5, kv: 'int8' });
    expect(int8).toMatchObject({ kvCacheTokens: 5, kvCacheBytes: 5 * 19_008 });
  });

  it('sums up', () => {
    const { totalBytes, weightBytes, kvCacheBytes, workingBytes } = estimate('72b');
    const { decoder, head, tower, merger } = weightBytes;
    const { step, pictures, embeddings, pictureDecoders, tokenizer, node } = workingBytes;
    const working = step + pictures + embeddings + pictureDecoders + tokenizer + node;
    expect(totalBytes).toBeCloseTo(decoder + head + tower + merger + kvCacheBytes + working, -3);
  });
});
