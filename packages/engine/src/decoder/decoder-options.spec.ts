import type { EngineManifest, RowInvariance, ShardPlan } from '@tessera/onnx-graph';
import type { TextConfig } from '@tessera/qwen2-5-vl';
import { describe, expect, test } from 'vitest';
import { createAttention, type DecoderOptions, describeDecoder } from './decoder-options.js';

const text = { numLayers: 1, headDim: 8, maxPositionEmbeddings: 2 ** 40 } as TextConfig;
const shard = { heads: { start: 0, end: 2 }, kvHeads: { start: 0, end: 1 } } as ShardPlan;

const optionsOf = (given: Partial<DecoderOptions>): DecoderOptions => ({
  numThreads: 1,
  kernel: 'plain',
  numLanes: 1,
  kvCapacityTokens: 20,
  maxStepTokens: 4,
  numTokens: 10,
  ...given,
});

const create = (given: Partial<DecoderOptions>) => createAttention(text, shard, optionsOf(given));

describe('createAttention', () => {
  test('rounds the pool up to whole pages', () => {
    expect(create({}).layout).toMatchObject({ pageLen: 16, numPages: 2 });
  });

  test('refuses a pool for which there is no memory, and says with which option to make it smaller', () => {
    const refused = expect.objectContaining({
      reason: 'invalid_option',
      message: expect.stringContaining('no memory for a KV cache of 1125899906842624 positions'),
      facts: { option: '--kv-cache-tokens', given: 2 ** 50 },
    });
    expect(() => create({ kvCapacityTokens: 2 ** 50 })).toThrow(refused);
  });

  test('refuses an int8 pool with the plain kernel', () => {
    const refused = { reason: 'invalid_option', facts: { option: '--kv' } };
    expect(() => create({ kvDtype: 'int8' })).toThrow(expect.objectContaining(refused));
  });
});

describe('describeDecoder', () => {
  const describeProbed = (rowInvariance: Partial<RowInvariance> | undefined, given: Partial<DecoderOptions>) => {
    const manifest = { config: { text }, options: { numRanks: 1 }, rowInvariance } as EngineManifest;
    return describeDecoder(manifest, create({}), optionsOf(given));
  };
  const proved = { numThreads: 1, isDecoderInvariant: false, isTileInvariant: true };

  test('says what was probed, of any number of rows or of tiles', () => {
    expect(describeProbed(proved, {}).isRowInvariant).toBe(false);
    expect(describeProbed(proved, { isDeterministic: true }).isRowInvariant).toBe(true);
    expect(describeProbed({ ...proved, isDecoderInvariant: true }, { numThreads: 2 }).isRowInvariant).toBe(false);
  });

  const unproved: [title: string, rowInvariance: Partial<RowInvariance> | undefined, named: string][] = [
    ['was not probed', undefined, 'depends on the rows'],
    ['was found to differ', { ...proved, isTileInvariant: false }, 'depends on the rows'],
    ['was probed with other threads', { ...proved, numThreads: 4 }, 'probed with 4 threads and is to run with 1'],
  ];
  for (const [title, rowInvariance, named] of unproved) {
    test(`refuses to be deterministic with an engine that ${title}`, () => {
      expect(() => describeProbed(rowInvariance, { isDeterministic: true })).toThrow(
        expect.objectContaining({ reason: 'invalid_option', message: expect.stringContaining(named) }),
      );
    });
  }
});
