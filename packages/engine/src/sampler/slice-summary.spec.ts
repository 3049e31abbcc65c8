import { createSamplingParams, createSamplingRow } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { createRowNoise } from './row-noise.js';
import { scoreSlice, summarizeSlice } from './slice-summary.js';

const rowOf = (params: Parameters<typeof createSamplingParams>[0]) =>
  createSamplingRow({ params: createSamplingParams(params) });

describe('scoreSlice', () => {
  const logits = Float32Array.of(1, 2, 3, 4);

  for (const [numTokens, length] of [
    [14, 4],
    [13, 3],
    [10, 0],
    [4, 0],
  ]) {
    test(`ends before the ids from ${numTokens} on, which pad the matrix`, () => {
      expect(scoreSlice(logits, 10, rowOf({ temperature: 0 }), numTokens)).toHaveLength(length);
      expect(scoreSlice(logits, 10, rowOf({ temperature: 0.5 }), numTokens)).toHaveLength(length);
    });
  }

  test('copies nothing where no logit changes', () => {
    for (const temperature of [0, 1]) {
      expect(scoreSlice(logits, 0, rowOf({ temperature }), 4).buffer).toBe(logits.buffer);
    }
  });

  test('leaves the logits alone where a score differs', () => {
    const scores = scoreSlice(logits, 0, rowOf({ temperature: 0.5, logitBias: new Map([[1, 1]]) }), 4);
    expect([...scores]).toEqual([2, 6, 6, 8]);
    expect([...logits]).toEqual([1, 2, 3, 4]);
  });
});

describe('summarizeSlice', () => {
  test('finds the same two with noise that is skipped where it cannot matter', () => {
    const scores = Float32Array.from({ length: 4000 }, (_, i) => 6 * Math.sin(i * i));
    for (let seed = 0; seed < 50; seed++) {
      const row = rowOf({ temperature: 1, seed });
      const noise = createRowNoise(seed, row.params.choiceIndex, row.position);
      const naive = Array.from(scores, (score, i) => ({ tokenId: i, score: score + noise(i) }));
      naive.sort((a, b) => b.score - a.score);
      const { candidates } = summarizeSlice({ logits: scores, scores }, 0, row);
      expect(candidates.map(({ tokenId }) => tokenId)).toEqual(naive.slice(0, 2).map(({ tokenId }) => tokenId));
    }
  });
});
