import type { ShardPlan } from '@tessera/onnx-graph';
import type { TextConfig } from '@tessera/qwen2-5-vl';
import { describe, expect, test } from 'vitest';
import { createAttention, type DecoderOptions } from './decoder-options.js';

const text = { numLayers: 1, headDim: 8, maxPositionEmbeddings: 2 ** 40 } as TextConfig;
const shard = { heads: { start: 0, end: 2 }, kvHeads: { start: 0, end: 1 } } as ShardPlan;

const create = (given: Partial<DecoderOptions>) =>
  createAttention(text, shard, {
    numThreads: 1,
    kernel: 'plain',
    numLanes: 1,
    kvCapacityTokens: 20,
    maxStepTokens: 4,
    numTokens: 10,
    ...given,
  });

describe('createAttention', () => {
  test('rounds the pool up to whole pages', () => {
    expect(create({}).layout).toMatchObject({ pageLen: 16, numPages: 2 });
  });

  test('refuses a pool for which there is no memory, and says with which option to make it smaller', () => {
    const refused = expect.objectContaining({
      reason: 'invalid_option',
      message: expect.stringContaining('no memory for a KV cache of 1125899906842624 positions'),
      facts: { option: '--kv-cache-bytes', given: 2 ** 50 },
    });
    expect(() => create({ kvCapacityTokens: 2 ** 50 })).toThrow(refused);
  });

  test('refuses an int8 pool with the plain kernel', () => {
    const refused = { reason: 'invalid_option', facts: { option: '--kv' } };
    expect(() => create({ kvDtype: 'int8' })).toThrow(expect.objectContaining(refused));
  });
});
