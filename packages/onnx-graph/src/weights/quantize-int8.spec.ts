import { describe, expect, it } from 'vitest';
import { quantizeInt8 } from './quantize-int8.js';

describe('quantizeInt8', () => {
  it('gives the largest magnitude of a row ±127', () => {
    const { values, scales } = quantizeInt8(Float32Array.of(1, -2, 0.5, 254, 0, -127), 3);
    expect([...values]).toEqual([64, -127, 32, 127, 0, -64]);
    expect([...scales]).toEqual([Math.fround(2 / 127), 2]);
  });

  it('keeps a row of zeros at zero', () => {
    const { values, scales } = quantizeInt8(new Float32Array(4), 2);
    expect([...values]).toEqual([0, 0, 0, 0]);
    expect([...scales]).toEqual([1, 1]);
  });

  it('is never off by more than half a step', () => {
    const rows = Float32Array.from({ length: 256 }, (_, i) => Math.sin(i * i));
    const { values, scales } = quantizeInt8(rows, 64);
    for (const [i, value] of rows.entries()) {
      const scale = scales[Math.floor(i / 64)];
      expect(Math.abs(values[i] * scale - value)).toBeLessThanOrEqual(scale * 0.501);
    }
  });
});
