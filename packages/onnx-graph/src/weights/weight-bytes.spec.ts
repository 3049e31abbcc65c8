import { describe, expect, it } from 'vitest';
import { weightBytes } from './weight-bytes.js';

describe('weightBytes', () => {
  it('is four bytes a value in fp32', () => expect(weightBytes('fp32', [3, 100])).toBe(1200));
  it('is one byte a value and a scale a row in int8', () => expect(weightBytes('int8', [3, 100])).toBe(3 * 104));
  it('is half a byte a value and a scale a block of 32 in int4, the last one filled', () =>
    expect(weightBytes('int4', [3, 100])).toBe(3 * 4 * (16 + 4)));
  it('has int4 blocks of 128 in long rows', () => expect(weightBytes('int4', [3, 1024])).toBe(3 * 8 * (64 + 4)));
});
