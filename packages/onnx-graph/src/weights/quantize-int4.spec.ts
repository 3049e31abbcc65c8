import { describe, expect, it } from 'vitest';
import { quantizeInt4 } from './quantize-int4.js';

/** What MatMulNBits makes of the blocks. */
function restored({ values, scales }: ReturnType<typeof quantizeInt4>, blockLen: number): number[] {
  return Array.from({ length: values.length * 2 }, (_, i) => {
    const half = i % 2 === 0 ? values[i >> 1] & 15 : values[i >> 1] >> 4;
    return (half - 8) * scales[Math.floor(i / blockLen)];
  });
}

describe('quantizeInt4', () => {
  it('puts even values into the low half of a byte', () => {
    const { values, scales } = quantizeInt4(Float32Array.of(-8, 7, 0, 1), 4, 4);
    expect([...scales]).toEqual([1]);
    expect([...values]).toEqual([0xf0, 0x98]);
  });

  it('restores the value of largest magnitude whatever its sign', () => {
    for (const extreme of [3, -3]) {
      const blocks = quantizeInt4(Float32Array.of(extreme, 1, -1, 0.5), 4, 4);
      expect(restored(blocks, 4)[0]).toBe(extreme);
    }
  });

  it('fills a block that is not full with zeros', () => {
    const blocks = quantizeInt4(Float32Array.of(1, 2, 3, 4, 5, 6), 3, 4);
    expect(blocks.scales).toHaveLength(2);
    const values = restored(blocks, 4);
    expect([values[3], values[7]].map(Math.abs)).toEqual([0, 0]);
  });

  it('is never off by more than a step, and by half a step away from the far end', () => {
    const rows = Float32Array.from({ length: 128 }, (_, i) => Math.cos(i * i));
    const blocks = quantizeInt4(rows, 64, 32);
    for (const [i, value] of restored(blocks, 32).entries()) {
      const scale = blocks.scales[Math.floor(i / 32)];
      const isFarEnd = rows[i] / scale > 7;
      expect(Math.abs(value - rows[i])).toBeLessThanOrEqual(Math.abs(scale) * (isFarEnd ? 1.001 : 0.501));
    }
  });
});
