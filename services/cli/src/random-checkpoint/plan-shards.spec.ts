import { describe, expect, it } from 'vitest';
import { planShards, shardHeader, shardIndex } from './plan-shards.js';

const shapes = new Map([
  ['a', [2, 3]],
  ['b', [4]],
  ['c', [10]],
  ['d', [1]],
]);

describe('planShards', () => {
  it('fills one file after the other and never exceeds the limit', () => {
    const shards = planShards(shapes, 20);
    expect(shards.map(({ file, dataBytes, tensors }) => [file, dataBytes, tensors.map(({ name }) => name)])).toEqual([
      ['model-00001-of-00003.safetensors', 20, ['a', 'b']],
      ['model-00002-of-00003.safetensors', 20, ['c']],
      ['model-00003-of-00003.safetensors', 2, ['d']],
    ]);
  });

  it('lays the tensors of a file side by side', () => {
    const [{ tensors }] = planShards(shapes, 100);
    expect(tensors.map(({ offset, numBytes, numValues }) => [offset, numBytes, numValues])).toEqual([
      [0, 12, 6],
      [12, 8, 4],
      [20, 20, 10],
      [40, 2, 1],
    ]);
  });

  it('gives a tensor above the limit a file of its own', () => {
    const names = planShards(shapes, 11).map(({ tensors }) => tensors.map(({ name }) => name).join());
    expect(names).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('shardIndex', () => {
  it('says which file holds which tensor', () => {
    expect(shardIndex(planShards(shapes, 24))).toEqual({
      metadata: { total_size: 42 },
      weight_map: {
        a: 'model-00001-of-00002.safetensors',
        b: 'model-00001-of-00002.safetensors',
        c: 'model-00002-of-00002.safetensors',
        d: 'model-00002-of-00002.safetensors',
      },
    });
  });
});

describe('shardHeader', () => {
  it('describes the tensors and lets the data begin at a multiple of eight', () => {
    const [shard] = planShards(new Map([['a', [2, 3]]]), 100);
    const header = shardHeader(shard);
    expect(header.length % 8).toBe(0);
    expect(Number(header.readBigUInt64LE())).toBe(header.length - 8);
    expect(JSON.parse(header.subarray(8).toString())).toEqual({
      __metadata__: { format: 'pt' },
      a: { dtype: 'BF16', shape: [2, 3], data_offsets: [0, 12] },
    });
  });
});
