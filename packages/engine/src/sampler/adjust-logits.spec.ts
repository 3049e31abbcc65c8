import { createSamplingParams, createSamplingRow } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { adjustLogits } from './adjust-logits.js';
import type { SamplingRow } from './sampling-row.js';

type Given = Parameters<typeof createSamplingParams>[0];
const none = Number.NEGATIVE_INFINITY;

/** Adjusts logits of ids `offset …` and returns them. */
function adjust(logits: readonly number[], params: Given, row: Partial<SamplingRow> = {}, offset = 0) {
  const adjusted = Float32Array.from(logits);
  adjustLogits(adjusted, offset, createSamplingRow({ ...row, params: createSamplingParams(params) }));
  return [...adjusted];
}

describe('adjustLogits', () => {
  test('leaves a row alone when nothing is asked', () => {
    expect(adjust([1, -2, 3], {}, { promptIds: new Set([0]), outputCounts: new Map([[1, 2]]) })).toEqual([1, -2, 3]);
  });

  test('adds a bias to its id only', () => {
    expect(adjust([1, 2, 3], { logitBias: new Map([[1, -5]]) })).toEqual([1, -3, 3]);
  });

  test('bans an id with a bias of −∞, whatever else happens to it', () => {
    const params = { logitBias: new Map([[1, none]]), repetitionPenalty: 2, presencePenalty: -2 };
    expect(adjust([1, 2], params, { outputCounts: new Map([[1, 1]]) })).toEqual([1, none]);
  });

  test('divides positive logits by the repetition penalty and multiplies negative ones', () => {
    const row = { promptIds: new Set([0, 1, 2]) };
    expect(adjust([4, -4, 0, 4], { repetitionPenalty: 2 }, row)).toEqual([2, -8, 0, 4]);
  });

  test('penalises an id in prompt and output once', () => {
    const row = { promptIds: new Set([0]), outputCounts: new Map([[0, 3]]) };
    expect(adjust([8], { repetitionPenalty: 2 }, row)).toEqual([4]);
  });

  test('subtracts presence once and frequency per occurrence, of the output alone', () => {
    const row = {
      promptIds: new Set([2]),
      outputCounts: new Map([
        [0, 1],
        [1, 3],
      ]),
    };
    expect(adjust([5, 5, 5], { presencePenalty: 1, frequencyPenalty: 0.5 }, row)).toEqual([3.5, 2.5, 5]);
  });

  test('applies bias, then repetition, then presence and frequency', () => {
    const params = {
      logitBias: new Map([[0, 6]]),
      repetitionPenalty: 2,
      presencePenalty: 1,
      frequencyPenalty: 0.25,
    };
    // (−2 + 6) / 2 − 1 − 2 · 0.25; any other order gives another number.
    expect(adjust([-2], params, { outputCounts: new Map([[0, 2]]) })).toEqual([0.5]);
  });

  for (const [numOutputTokens, expected] of [
    [0, none],
    [2, none],
    [3, 2],
  ] as const) {
    test(`${expected === none ? 'forbids' : 'allows'} stop ids as token ${numOutputTokens} of at least 3`, () => {
      const params = { minTokens: 3, stopTokenIds: [1], logitBias: new Map([[1, 0]]) };
      expect(adjust([1, 2, 3], params, { numOutputTokens })).toEqual([1, expected, 3]);
    });
  }

  describe('on a slice', () => {
    test('takes ids as those of the whole row', () => {
      const params = {
        logitBias: new Map([
          [9, 1],
          [10, 2],
          [12, 3],
          [13, 4],
        ]),
        minTokens: 1,
        stopTokenIds: [11],
      };
      expect(adjust([0, 0, 0], params, {}, 10)).toEqual([2, none, 3]);
    });
  });
});
