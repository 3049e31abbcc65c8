import type { TextConfig } from '@tessera/qwen2-5-vl';
import { describe, expect, it } from 'vitest';
import { createKvBudget } from '../testing/create-kv-budget.js';
import { type KvBudget, kvBytesPerToken, kvCapacityTokens } from './kv-capacity.js';

/** Dimensions of the 3B. */
const text = { numLayers: 36, numKvHeads: 2, headDim: 128, maxPositionEmbeddings: 128_000 } as TextConfig;

describe('kvBytesPerToken', () => {
  it('is four bytes a value, or one and a scale a row', () => {
    expect(kvBytesPerToken(text, 'float32')).toBe(2 * 36 * 2 * 128 * 4);
    expect(kvBytesPerToken(text, 'int8')).toBe(2 * 36 * 2 * (128 + 4));
  });
});

describe('kvCapacityTokens', () => {
  const gibibyte = 2 ** 30;
  const cases: [title: string, given: Partial<KvBudget>, freeBytes: number, expected: number][] = [
    ['takes a number of tokens as it is', { kvCacheTokens: 5, kvCacheBytes: 1 }, gibibyte, 5],
    ['fills the bytes asked for with whole tokens', { kvCacheBytes: 1_000_000 }, gibibyte, 13],
    ['holds more tokens of int8 in the same bytes', { kvCacheBytes: 1_000_000, kv: 'int8' }, gibibyte, 52],
    ['takes a quarter of the free memory by default', {}, 8 * gibibyte, Math.floor((2 * gibibyte) / 73_728)],
    ['needs no more than all sequences at full length', { maxSequences: 2 }, 2 ** 50, 256_000],
    ['needs no more than the longest context allowed', { maxContextLen: 1000 }, 2 ** 50, 16_000],
    ['holds no more than one memory a layer', { maxSequences: 10_000 }, 2 ** 60, (3 * gibibyte * 36) / 73_728],
    ['knows no context above the model', { maxContextLen: 2 ** 20, maxSequences: 1 }, 2 ** 50, 128_000],
  ];
  for (const [title, given, freeBytes, expected] of cases) {
    it(title, () => {
      expect(kvCapacityTokens(text, createKvBudget(given), freeBytes)).toBe(expected);
    });
  }
});
