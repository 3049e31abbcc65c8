import { ServingError } from '@tessera/domain';

/** Element types in which published checkpoints store weights. */
export type FloatDtype = 'BF16' | 'F16' | 'F32';

export const bytesPerElement: Readonly<Record<FloatDtype, number>> = { BF16: 2, F16: 2, F32: 4 };

/** Throws `tensor_dtype` for a type that holds no plain floats. */
export function assertFloatDtype(dtype: string, tensor: string): asserts dtype is FloatDtype {
  if (Object.hasOwn(bytesPerElement, dtype)) return;
  throw new ServingError('tensor_dtype', `Tensor ${tensor} has dtype ${dtype}; supported are BF16, F16 and F32.`, {
    tensor,
    dtype,
  });
}

/** Widens little-endian values to float32; exact for all three types. `bytes` may lie at any alignment. */
export function widenToFloat32(bytes: Uint8Array, dtype: FloatDtype): Float32Array {
  const aligned =
    bytes.byteOffset % bytesPerElement[dtype] === 0 ? bytes : new Uint8Array(bytes).subarray(0, bytes.byteLength);
  const numElements = aligned.byteLength / bytesPerElement[dtype];
  if (dtype === 'F32') return new Float32Array(aligned.buffer, aligned.byteOffset, numElements);
  const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, numElements);
  return dtype === 'BF16' ? widenBf16(halves) : widenF16(halves);
}

function widenBf16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return new Float32Array(bits.buffer);
}

function widenF16(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = f16ToNumber(halves[i]);
  return values;
}

function f16ToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Rounds to the nearest bfloat16, ties to even. */
export function narrowToBf16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    // Rounding could carry a NaN's fraction away; its quiet bit cannot be lost.
    const isNan = (bits[i] & 0x7fffffff) > 0x7f800000;
    halves[i] = isNan ? (bits[i] >>> 16) | 0x40 : (bits[i] + 0x7fff + ((bits[i] >>> 16) & 1)) >>> 16;
  }
  return halves;
}
