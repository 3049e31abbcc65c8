import { describe, expect, it } from 'vitest';
import { weightBytes } from './weight-bytes.js';

describe('weightBytes', () => {
  it('is four bytes a value in fp32', () => expect(weightBytes({ kind: 'fp32' }, [3, 100])).toBe(1200));
  it('is one byte a value and a scale a row in int8', () =>
    expect(weightBytes({ kind: 'int8' }, [3, 100])).toBe(3 * 104));
  it('is half a byte a value and a scale a block in int4, the last one filled', () =>
    expect(weightBytes({ kind: 'int4', blockLen: 32 }, [3, 100])).toBe(3 * 4 * (16 + 4)));
  it('is half a byte more a block with a zero point, in whole bytes a row', () =>
    expect(weightBytes({ kind: 'int4', blockLen: 32, published: 'zeroPoints' }, [3, 160])).toBe(
      3 * (5 * (16 + 4) + 3),
    ));
});
