/** Rows [n, k] quantised with one scale each. */
export interface Int8Rows {
  readonly values: Int8Array;
  readonly scales: Float32Array;
}

/** Symmetric rounding to −127 … 127: value ≈ q · scale, scale = max |row| / 127. A row of zeros has scale 1. */
export function quantizeInt8(rows: Float32Array, rowLen: number): Int8Rows {
  const numRows = rows.length / rowLen;
  const values = new Int8Array(rows.length);
  const scales = new Float32Array(numRows);
  for (let r = 0; r < numRows; r++) {
    const start = r * rowLen;
    let max = 0;
    for (let i = start; i < start + rowLen; i++) {
      const magnitude = Math.abs(rows[i]);
      if (magnitude > max) max = magnitude;
    }
    const scale = Math.fround(max / 127) || 1;
    const inverse = 1 / scale;
    for (let i = start; i < start + rowLen; i++) values[i] = roundHalfEven(rows[i] * inverse);
    scales[r] = scale;
  }
  return { values, scales };
}

/** Adding 1.5 · 2^52 leaves no bits for a fraction, so the sum is rounded to the nearest integer, ties to even. */
const integerOnly = 1.5 * 2 ** 52;

function roundHalfEven(value: number): number {
  return value + integerOnly - integerOnly;
}
