import { expect, it } from 'vitest';
import { klDivergence, LogitErrors } from './logit-errors.js';

const row = (...values: number[]): Float32Array => Float32Array.from(values);

it('counts rows with the same likeliest token, and those with the given next one in each engine', () => {
  const errors = new LogitErrors();
  errors.add(row(0, 2, 1), row(0, 3, 1), 1);
  errors.add(row(0, 2, 1), row(4, 3, 1), 0);
  errors.add(row(0, 1, 2), row(0, 1, 2), 0);
  errors.add(row(5, 1, 2), row(5, 1, 2), undefined);
  expect(errors.summary).toMatchObject({
    agreement: { count: 3, total: 4 },
    reference: { fp32: { count: 2, total: 3 }, quantized: { count: 1, total: 3 } },
  });
});

it('measures the divergence of two distributions in nats', () => {
  const [half, quarter] = [Math.log(0.5), Math.log(0.25)];
  const p = row(half + 100, half + 100);
  const q = row(quarter, Math.log(0.75));
  expect(klDivergence(p, q)).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3), 5);
  expect(klDivergence(p, row(7, 7))).toBeCloseTo(0, 5);
});

it('keeps mean and largest divergence', () => {
  const errors = new LogitErrors();
  errors.add(row(1, 0), row(1, 0), undefined);
  errors.add(row(0, 1), row(1, 0), undefined);
  const { meanDivergence, largestDivergence } = errors.summary;
  expect(largestDivergence).toBeCloseTo(klDivergence(row(1, 0), row(0, 1)));
  expect(meanDivergence).toBeCloseTo(largestDivergence / 2);
});
