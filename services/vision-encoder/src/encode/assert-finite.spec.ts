import { embeddingKey } from '@tessera/domain';
import { createEncodeJob } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { assertFinite } from './assert-finite.js';

const job = createEncodeJob({ embeddingKey: embeddingKey('cat'), ticket: 't1' });

describe('assertFinite', () => {
  test('takes numbers, however large', () => {
    assertFinite(Float32Array.of(0, -0, 3.4e38, -3.4e38, 1e-45), job);
  });

  for (const [title, rows, numNotFinite] of [
    ['a value that is not a number', [1, Number.NaN, 2], 1],
    ['infinities', [Number.POSITIVE_INFINITY, 1, Number.NEGATIVE_INFINITY], 2],
  ] as const) {
    test(`names the picture and the count for ${title}`, () => {
      expect(() => assertFinite(Float32Array.from(rows), job)).toThrow(
        expect.objectContaining({
          reason: 'internal',
          message: `The embedding of picture cat of 1 × 4 × 4 patches has ${numNotFinite} of 3 values that are not finite.`,
          facts: { embeddingKey: 'cat', ticket: 't1', numNotFinite, numValues: 3 },
        }),
      );
    });
  }
});
