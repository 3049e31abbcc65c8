import { describe, expect, it } from 'vitest';
import { packingOf, unpackAlongColumns, unpackAlongRows } from './unpack-levels.js';

/** Level i at place i, the last one with its highest bit set. */
const counting = 0xf6543210 | 0;

describe('unpackAlongColumns', () => {
  const all = { start: 0, end: 8 };

  it('finds the eight columns of an AWQ word at their places', () => {
    const levels = unpackAlongColumns(Int32Array.of(counting), 1, all, packingOf('awq', 4));
    expect([...levels]).toEqual([0, 4, 1, 5, 2, 6, 3, 15]);
  });

  it('finds those of a GPTQ word from the low end up', () => {
    const levels = unpackAlongColumns(Int32Array.of(counting), 1, all, packingOf('gptq', 4));
    expect([...levels]).toEqual([0, 1, 2, 3, 4, 5, 6, 15]);
  });

  it('finds four columns in a word of 8 bits', () => {
    const levels = unpackAlongColumns(Int32Array.of(0xfe020100 | 0), 1, { start: 1, end: 4 }, packingOf('gptq', 8));
    expect([...levels]).toEqual([1, 2, 254]);
  });

  it('gives the columns asked for as rows', () => {
    const words = Int32Array.of(0x10, 0x32, 0x54, 0x76);
    const levels = unpackAlongColumns(words, 2, { start: 1, end: 10 }, packingOf('gptq', 4));
    expect([...levels.subarray(0, 2)]).toEqual([1, 5]);
    expect([...levels.subarray(14, 18)]).toEqual([2, 6, 3, 7]);
  });
});

describe('unpackAlongRows', () => {
  it('gives the columns asked for as rows, each word a run of them', () => {
    const words = Int32Array.of(0, counting, 0, 0x11111111, 0, 0x22222222);
    const levels = unpackAlongRows(words, 2, { start: 1, end: 2 }, packingOf('gptq', 4));
    const runs = [[0, 1, 2, 3, 4, 5, 6, 15], new Array(8).fill(1), new Array(8).fill(2)];
    expect([...levels]).toEqual(runs.flat());
  });
});
