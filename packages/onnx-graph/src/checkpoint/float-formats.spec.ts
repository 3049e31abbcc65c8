import { describe, expect, it } from 'vitest';
import { assertFloatDtype, type FloatDtype, narrowToBf16, widenToFloat32 } from './float-formats.js';

/** Little-endian bytes of 16-bit patterns. */
function halves(...bits: number[]): Uint8Array {
  return new Uint8Array(Uint16Array.from(bits).buffer);
}

function unaligned(bytes: Uint8Array): Uint8Array {
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  return shifted.subarray(1);
}

const { POSITIVE_INFINITY: infinity } = Number;

describe('widenToFloat32', () => {
  const bf16: readonly (readonly [bits: number, value: number])[] = [
    [0x0000, 0],
    [0x8000, -0],
    [0x3f80, 1],
    [0xc049, -3.140625],
    [0x0080, 2 ** -126],
    [0x0001, 2 ** -133],
    [0x807f, -127 * 2 ** -133],
    [0x7f7f, 255 * 2 ** 120],
    [0x7f80, infinity],
    [0xff80, -infinity],
    [0x7fc0, Number.NaN],
  ];
  for (const [bits, value] of bf16) {
    it(`widens bfloat16 ${bits.toString(16).padStart(4, '0')} to ${value}`, () => {
      expect([...widenToFloat32(halves(bits), 'BF16')]).toEqual([value]);
    });
  }

  const f16: readonly (readonly [bits: number, value: number])[] = [
    [0x0000, 0],
    [0x8000, -0],
    [0x3c00, 1],
    [0xc248, -3.140625],
    [0x0400, 2 ** -14],
    [0x0001, 2 ** -24],
    [0x83ff, -1023 * 2 ** -24],
    [0x7bff, 65_504],
    [0x7c00, infinity],
    [0xfc00, -infinity],
    [0x7e00, Number.NaN],
  ];
  for (const [bits, value] of f16) {
    it(`widens float16 ${bits.toString(16).padStart(4, '0')} to ${value}`, () => {
      expect([...widenToFloat32(halves(bits), 'F16')]).toEqual([value]);
    });
  }

  it('takes float32 as it is', () => {
    const values = Float32Array.of(0.1, -0, 2 ** -149, infinity);
    expect(widenToFloat32(new Uint8Array(values.buffer), 'F32')).toEqual(values);
  });

  const samples: Readonly<Record<FloatDtype, Uint8Array>> = {
    BF16: halves(0x3f80, 0x4000),
    F16: halves(0x3c00, 0x4000),
    F32: new Uint8Array(Float32Array.of(1, 2).buffer),
  };
  for (const [dtype, bytes] of Object.entries(samples)) {
    it(`reads ${dtype} at an odd address`, () => {
      const shifted = unaligned(bytes);
      expect(shifted.byteOffset).toBe(1);
      expect([...widenToFloat32(shifted, dtype as FloatDtype)]).toEqual([1, 2]);
    });
  }
});

describe('narrowToBf16', () => {
  const roundings: readonly (readonly [what: string, value: number, bits: number])[] = [
    ['keeps what fits', 1, 0x3f80],
    ['rounds down below the middle', 1 + 2 ** -9, 0x3f80],
    ['rounds up above the middle', 1 + 2 ** -8 + 2 ** -20, 0x3f81],
    ['rounds the middle to the even neighbour below', 1 + 2 ** -8, 0x3f80],
    ['rounds the middle to the even neighbour above', 1 + 3 * 2 ** -8, 0x3f82],
    ['keeps the sign of zero', -0, 0x8000],
    ['rounds the largest float32 to infinity', 3.4028234663852886e38, 0x7f80],
    ['keeps infinity', -infinity, 0xff80],
  ];
  for (const [what, value, bits] of roundings) {
    it(what, () => expect([...narrowToBf16(Float32Array.of(value))]).toEqual([bits]));
  }

  it('keeps every NaN a NaN', () => {
    const patterns = new Float32Array(Uint32Array.of(0x7fc00000, 0x7fffffff, 0xffffffff, 0x7f800001).buffer);
    const widened = widenToFloat32(new Uint8Array(narrowToBf16(patterns).buffer), 'BF16');
    expect([...widened]).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
  });
});

describe('assertFloatDtype', () => {
  for (const dtype of ['I32', 'F64', 'F8_E4M3', 'toString']) {
    it(`refuses ${dtype} by name`, () => {
      expect(() => assertFloatDtype(dtype, 'w')).toThrow(
        expect.objectContaining({ reason: 'tensor_dtype', message: expect.stringContaining(`w has dtype ${dtype}`) }),
      );
    });
  }
});
