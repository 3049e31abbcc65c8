/** Rows of a quantised matrix: value [r, c] is (level [r, c] − zero point [r, group of c]) · scale [r, group of c]. */
export interface PackedRows {
  /** [rows, columns]. */
  readonly levels: Uint8Array;
  /** [rows, groups]. */
  readonly scales: Float32Array;
  /** [rows, groups]. */
  readonly zeroPoints: Uint8Array;
  /** Group of each column. */
  readonly groupOf: Int32Array;
  readonly numGroups: number;
}

/** The values, row-major, computed in float32. */
export function dequantize({ levels, scales, zeroPoints, groupOf, numGroups }: PackedRows): Float32Array {
  const numCols = groupOf.length;
  const values = new Float32Array(levels.length);
  for (let row = 0, at = 0; at < levels.length; row++) {
    for (let column = 0; column < numCols; column++, at++) {
      const group = row * numGroups + groupOf[column];
      values[at] = (levels[at] - zeroPoints[group]) * scales[group];
    }
  }
  return values;
}
