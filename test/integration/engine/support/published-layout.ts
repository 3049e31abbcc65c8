import { SeededRandom } from '@tessera/testkit';

/** How a tool publishes quantised matrices. */
export interface PublishedLayout {
  readonly method: 'awq' | 'gptq';
  readonly bits: 4 | 8;
  /** −1: a row is one group. */
  readonly groupSize: number;
  readonly isSymmetric?: boolean;
  /** Groups are made of columns in a random order, as after sorting by activation. */
  readonly isActOrder?: boolean;
  /** GPTQ: stored zero points are one less in the first. */
  readonly format?: 'gptq' | 'gptq_v2';
}

/** A matrix W [N, K] rounded to levels: W ≈ (level − zero point) · scale, by group of a column. */
export interface RoundedMatrix {
  readonly levels: readonly Uint8Array[];
  readonly scales: readonly Float32Array[];
  readonly zeroPoints: readonly Uint8Array[];
  readonly groupOf: Int32Array;
  /** [N, K], what the levels stand for. */
  readonly values: Float32Array;
}

/** Rounds each group of each row of `matrix` [rows, numCols] to the steps between its extremes. */
export function roundMatrix(matrix: Float32Array, numCols: number, layout: PublishedLayout): RoundedMatrix {
  const groupLen = layout.groupSize === -1 ? numCols : layout.groupSize;
  const columns = Array.from({ length: numCols }, (_, column) => column);
  const order = layout.isActOrder ? new SeededRandom(7).shuffle(columns) : columns;
  const groupOf = new Int32Array(numCols);
  for (const [place, column] of order.entries()) groupOf[column] = Math.floor(place / groupLen);
  const rows = Array.from({ length: matrix.length / numCols }, (_, n) =>
    roundRow(matrix.subarray(n * numCols, (n + 1) * numCols), groupOf, numCols / groupLen, layout),
  );
  return {
    levels: rows.map(({ levels }) => levels),
    scales: rows.map(({ scales }) => scales),
    zeroPoints: rows.map(({ zeroPoints }) => zeroPoints),
    groupOf,
    values: Float32Array.from(rows.flatMap(({ values }) => [...values])),
  };
}

function roundRow(row: Float32Array, groupOf: Int32Array, numGroups: number, { bits, isSymmetric }: PublishedLayout) {
  const top = 2 ** bits - 1;
  const min = new Float32Array(numGroups);
  const max = new Float32Array(numGroups);
  for (const [column, value] of row.entries()) {
    const group = groupOf[column];
    min[group] = Math.min(min[group], value);
    max[group] = Math.max(max[group], value);
  }
  const scales = min.map((low, group) => {
    const range = isSymmetric ? 2 * Math.max(-low, max[group]) : max[group] - low;
    return halfValue(halfBits(range / top || 1));
  });
  const zeroPoints = Uint8Array.from(min, (low, group) =>
    isSymmetric ? 2 ** (bits - 1) : Math.round(-low / scales[group]),
  );
  const levels = Uint8Array.from(row, (value, column) => {
    const group = groupOf[column];
    return Math.min(top, Math.max(0, Math.round(value / scales[group]) + zeroPoints[group]));
  });
  const values = Float32Array.from(levels, (level, column) => {
    const group = groupOf[column];
    return (level - zeroPoints[group]) * scales[group];
  });
  return { levels, scales, zeroPoints, values };
}

/** The float16 nearest to a normal positive number, by its bits. */
export function halfBits(value: number): number {
  const exponent = Math.floor(Math.log2(value));
  return ((exponent + 15) << 10) + Math.round((value / 2 ** exponent - 1) * 1024);
}

function halfValue(bits: number): number {
  return (1 + (bits & 1023) / 1024) * 2 ** ((bits >> 10) - 15);
}
