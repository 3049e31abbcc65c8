import { expect, it } from 'vitest';
import { peakOf, RowErrors } from './row-errors.js';

const row = (...values: number[]): Float32Array => Float32Array.from(values);

it('measures rows by their distance and angle from the expected ones', () => {
  const errors = new RowErrors('layer 0');
  errors.add(row(3, 4), row(3, 4), { prompt: 'a', row: 0 });
  errors.add(row(4, -3), row(3, 4), { prompt: 'a', row: 1 });
  const { numRows, meanError, largestError, meanCosine } = errors.summary;
  expect(numRows).toBe(2);
  expect(largestError).toBeCloseTo(Math.SQRT2);
  expect(meanError).toBeCloseTo(Math.SQRT2 / 2);
  expect(meanCosine).toBeCloseTo(0.5);
});

it('keeps the place of the value that sticks out furthest of an expected row', () => {
  const errors = new RowErrors('block 1');
  errors.add(row(9, 9, 9, 9), row(1, 1, -1, 1), { prompt: 'a', row: 7 });
  errors.add(row(9, 9, 9, 9), row(0, 0, -5, 0), { prompt: 'b', row: 3 });
  errors.add(row(9, 9, 9, 9), row(3, 0, 0, 3), { prompt: 'c', row: 1 });
  expect(errors.summary.outlier).toEqual({ prompt: 'b', row: 3, channel: 2, peak: 2 });
});

it('shows values that are no numbers', () => {
  const errors = new RowErrors('layer 0');
  errors.add(row(Number.NaN, 1), row(1, 1), { prompt: 'a', row: 0 });
  expect(errors.summary.largestError).toBeNaN();
});

it('takes rows of zeros', () => {
  const errors = new RowErrors('layer 0');
  errors.add(row(0, 0), row(0, 0), { prompt: 'a', row: 0 });
  expect(errors.summary.largestError).toBe(0);
  expect(peakOf(row(0, 0)).peak).toBe(0);
});
