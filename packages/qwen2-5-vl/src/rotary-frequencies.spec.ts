import { expect, test } from 'vitest';
import { rotaryFrequencies } from './rotary-frequencies.js';

test('frequencies fall from 1 as powers of theta (spec §5.2, §6.3)', () => {
  const decoder = rotaryFrequencies(1e6, 128);
  expect(decoder.length).toBe(64);
  for (const [j, frequency] of [
    [0, 1],
    [1, 0.80584219],
    [16, 0.031622777],
    [40, 1.7782794e-4],
    [63, 1.2409378e-6],
  ] as const) {
    expect(decoder[j]! / frequency, `decoder ${j}`).toBeCloseTo(1, 6);
  }
  const tower = rotaryFrequencies(10_000, 40);
  for (const [k, frequency] of [
    [0, 1],
    [1, 0.630957],
    [2, 0.398107],
    [3, 0.251189],
    [4, 0.158489],
    [5, 0.1],
    [19, 0.000158489],
  ] as const) {
    expect(tower[k]! / frequency, `tower ${k}`).toBeCloseTo(1, 5);
  }
});
