import { expectedTensors } from '@tessera/onnx-graph';
import { validateModelConfig } from '@tessera/qwen2-5-vl';
import type { KvBudget } from '@tessera/standalone';
import { describe, expect, it } from 'vitest';
import { publishedConfig } from '../random-checkpoint/published-config.js';
import { estimateMemory, kvBytesByForm } from './memory-estimate.js';
import { countParameters } from './parameter-counts.js';
import { type PublishedSizeId, publishedSizes } from './published-sizes.js';

function configOf(size: PublishedSizeId) {
  return validateModelConfig(publishedConfig(publishedSizes[size], publishedSizes[size].text.numLayers));
}

function estimate(size: PublishedSizeId, budget: Partial<KvBudget> = {}) {
  const config = configOf(size);
  const defaults: KvBudget = {
    kv: 'float32',
    maxSequences: 16,
    maxContextLen: undefined,
    kvCacheTokens: undefined,
    kvCacheBytes: 2 ** 30,
  };
  return estimateMemory(config, countParameters(expectedTensors(config)), { ...defaults, ...budget });
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
    const { decoderBytes, headBytes, towerBytes } = estimate('3b');
    expect(headBytes).toBe(4 * 151_936 * 2048);
    expect(decoderBytes).toBe(4 * (36 * 77_076_992 + 2048));
    expect(towerBytes).toBe(4 * 668_684_288);
  });

  it('counts a head of its own once', () => {
    const { decoderBytes, headBytes } = estimate('7b');
    expect(headBytes).toBe(4 * 152_064 * 3584);
    expect(decoderBytes).toBe(4 * (28 * 233_057_792 + 3584));
  });

  it('takes as many positions as the server, in the form of --kv', () => {
    expect(estimate('3b', { kvCacheBytes: 1_000_000 })).toMatchObject({ kvCacheTokens: 13, kvCacheBytes: 13 * 73_728 });
    const int8 = estimate('3b', { kvCacheTokens: 5, kv: 'int8' });
    expect(int8).toMatchObject({ kvCacheTokens: 5, kvCacheBytes: 5 * 19_008 });
  });

  it('sums up', () => {
    const { totalBytes, ...parts } = estimate('72b');
    const sum = parts.decoderBytes + parts.headBytes + parts.towerBytes + parts.kvCacheBytes;
    expect(totalBytes).toBe(sum);
  });
});
