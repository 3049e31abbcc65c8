import type { TextConfig } from '@tessera/qwen2-5-vl';
import { describe, expect, it } from 'vitest';
import { createKvBudget } from '../testing/create-kv-budget.js';
import { assertKvCapacity } from './assert-kv-capacity.js';
import type { KvBudget } from './kv-capacity.js';

/** A position takes 100 000 bytes. */
const text = { numLayers: 25, numKvHeads: 2, headDim: 250, maxPositionEmbeddings: 4096 } as TextConfig;

const check = (numTokens: number, given: Partial<KvBudget> = {}) =>
  assertKvCapacity(numTokens, text, createKvBudget(given));

describe('assertKvCapacity', () => {
  const cases: [given: Partial<KvBudget>, message: string, facts: object][] = [
    [
      { kvCacheBytes: 51_100_000 },
      '--kv-cache-bytes 51100000 makes a KV cache of 511 positions; it must hold at least 512, which take 51200000 bytes.',
      { option: '--kv-cache-bytes', limit: 51_200_000, given: 51_100_000 },
    ],
    [
      { kvCacheTokens: 511 },
      '--kv-cache-tokens 511 makes a KV cache of 511 positions; it must hold at least 512, which take 51200000 bytes.',
      { option: '--kv-cache-tokens', limit: 512, given: 511 },
    ],
    [
      {},
      'A quarter of the free memory makes a KV cache of 511 positions; it must hold at least 512, which take 51200000 bytes.',
      { option: '--kv-cache-bytes', limit: 51_200_000, given: undefined },
    ],
  ];
  for (const [given, message, facts] of cases) {
    it(`refuses what can answer next to nothing: ${message}`, () => {
      const refused = { reason: 'invalid_option', message, facts };
      expect(() => check(511, given)).toThrow(expect.objectContaining(refused));
    });
  }

  it('takes a cache that holds enough', () => {
    expect(() => check(512)).not.toThrow();
  });

  it('asks for no more than one context', () => {
    expect(() => check(100, { maxContextLen: 100 })).not.toThrow();
    expect(() => check(99, { maxContextLen: 100 })).toThrow('at least 100');
  });
});
