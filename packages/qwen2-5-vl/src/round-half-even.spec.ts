import { expect, test } from 'vitest';
import { roundHalfEven } from './round-half-even.js';

test('ties go to the even integer, everything else to the nearest', () => {
  const table = [
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [4.5, 4],
    [6.5, 6],
    [2.4999, 2],
    [2.5001, 3],
    [-0.5, -0],
    [-1.5, -2],
    [7, 7],
  ] as const;
  for (const [value, rounded] of table) expect(roundHalfEven(value) + 0, `${value}`).toBe(rounded + 0);
});
