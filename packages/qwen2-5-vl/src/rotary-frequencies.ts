/**
 * Inverse frequencies theta^(−2k / dim), k = 0 … dim/2 − 1, in the reference's float32 order: quotient, power and
 * reciprocal are each rounded.
 */
export function rotaryFrequencies(theta: number, dim: number): Float32Array {
  return Float32Array.from({ length: dim / 2 }, (_, k) => 1 / Math.fround(theta ** Math.fround((2 * k) / dim)));
}

/** Cosines and sines of rotary angles, both [numRows, headDim / 2]; the second half of a head repeats them. */
export interface RotaryTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}
