import { describe, expect, it } from 'vitest';
import { rowRanges } from './row-ranges.js';

describe('rowRanges', () => {
  it('cuts rows into as many as fit, the rest last', () => {
    expect([...rowRanges({ start: 3, end: 10 }, 4, 12)]).toEqual([
      { start: 3, end: 6 },
      { start: 6, end: 9 },
      { start: 9, end: 10 },
    ]);
  });

  it('takes rows that are longer than allowed one by one', () => {
    expect([...rowRanges({ start: 0, end: 2 }, 100, 12)]).toEqual([
      { start: 0, end: 1 },
      { start: 1, end: 2 },
    ]);
  });

  it('has nothing to cut in no rows', () => {
    expect([...rowRanges({ start: 5, end: 5 }, 4, 12)]).toEqual([]);
  });
});
