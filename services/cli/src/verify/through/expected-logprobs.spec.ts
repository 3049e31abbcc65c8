import type { Tokenizer } from '@tessera/qwen2-5-vl';
import { describe, expect, it } from 'vitest';
import type { GoldenRecord } from '../golden-folder.js';
import { expectedLogprobs, logitRows } from './expected-logprobs.js';

const tokenizer = {
  numTokens: 3,
  tokenBytes: (id: number) => Buffer.from('abc'[id]),
} as Pick<Tokenizer, 'numTokens' | 'tokenBytes'> as Tokenizer;

it('takes columns that pad the vocabulary for mass, and for no token', () => {
  const rows = [[1, 2, 3, 4].map(Math.log), [0, 0, 0, 0]].map((row) => Float32Array.from(row));
  const [first, second] = expectedLogprobs(rows, tokenizer, 2);
  expect([...first.of.keys()]).toEqual(['a', 'b', 'c']);
  expect(first.best.map((logprob) => Math.exp(logprob).toFixed(6))).toEqual(['0.300000', '0.200000']);
  expect(Math.exp(second.of.get('a')!)).toBeCloseTo(0.25, 6);
});

describe('logitRows', () => {
  const rowsOf = (tensors: Record<string, number[]>) => {
    const floats = new Map(Object.entries(tensors).map(([name, values]) => [name, Float32Array.from(values)]));
    const record = { greedy_tokens: [7, 8] } as Partial<GoldenRecord> as GoldenRecord;
    return logitRows({ name: 'a case', record, tensors: floats }).map((row) => [...row]);
  };

  it('are those of all steps, of the first or of none, as the reference has them', () => {
    expect(rowsOf({ decode_logits: [1, 2, 3, 4], logits_last: [1, 2] })).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(rowsOf({ logits_last: [1, 2] })).toEqual([[1, 2]]);
    expect(rowsOf({})).toEqual([]);
  });
});
