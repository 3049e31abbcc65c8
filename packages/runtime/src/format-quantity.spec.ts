import { describe, expect, it } from 'vitest';
import { formatDuration, formatQuantity, formatRate } from './format-quantity.js';

describe('formatQuantity', () => {
  const sizes: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.00 kB'],
    [1_234_567, '1.23 MB'],
    [15.4e9, '15.4 GB'],
    [999_999, '1000 kB'],
    [2e15, '2000 TB'],
  ];
  for (const [numBytes, text] of sizes) {
    it(`calls ${numBytes} bytes ${text}`, () => expect(formatQuantity(numBytes, 'bytes')).toBe(text));
  }
  it('groups the digits of a count', () => expect(formatQuantity(1234567, 'count')).toBe('1,234,567'));
});

describe('formatRate', () => {
  it('keeps a digit of a slow count', () => expect(formatRate(0.25, 'count')).toBe('0.3/s'));
  it('rounds a fast count', () => expect(formatRate(1234.5, 'count')).toBe('1,235/s'));
  it('gives bytes their unit', () => expect(formatRate(2.5e6, 'bytes')).toBe('2.50 MB/s'));
});

describe('formatDuration', () => {
  const durations: [number, string][] = [
    [400, '0 s'],
    [59_499, '59 s'],
    [60_000, '1 min 00 s'],
    [3_599_000, '59 min 59 s'],
    [7_620_000, '2 h 07 min'],
  ];
  for (const [durationMs, text] of durations) {
    it(`calls ${durationMs} ms ${text}`, () => expect(formatDuration(durationMs)).toBe(text));
  }
});
