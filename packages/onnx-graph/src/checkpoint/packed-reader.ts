import { widenToFloat32 } from './float-formats.js';
import { type PackedMatrix, toWords } from './packed-matrix.js';
import type { PackedRows } from './packed-rows.js';
import { readWhole } from './stored-tensor.js';
import { packingOf, unpackAlongColumns, unpackAlongRows } from './unpack-levels.js';

/** A packed matrix in memory: its words as stored, scales and zero points as [N, G]. */
interface LoadedMatrix {
  readonly words: Int32Array;
  readonly scales: Float32Array;
  readonly zeroPoints: Uint8Array;
}

/**
 * Reads rows of packed matrices. Rows lie scattered over a packed matrix, so the one read last is kept whole, which
 * takes half a byte an element; rows are unpacked when they are asked for.
 */
export class PackedReader {
  #last: { readonly matrix: PackedMatrix; readonly loaded: Promise<LoadedMatrix> } | undefined;

  /** Rows [start, end), row-major. */
  async readRows(matrix: PackedMatrix, start: number, end: number): Promise<PackedRows> {
    if (this.#last?.matrix !== matrix) this.#last = { matrix, loaded: load(matrix) };
    const { words, scales, zeroPoints } = await this.#last.loaded;
    const { numGroups, groupOf } = matrix;
    return {
      levels: unpackRows(matrix, words, start, end),
      scales: scales.subarray(start * numGroups, end * numGroups),
      zeroPoints: zeroPoints.subarray(start * numGroups, end * numGroups),
      groupOf,
      numGroups,
    };
  }
}

async function load(matrix: PackedMatrix): Promise<LoadedMatrix> {
  const { qweight, scales, numRows } = matrix;
  return {
    words: toWords(await readWhole(qweight)),
    scales: transpose(widenToFloat32(await readWhole(scales), scales.dtype), numRows),
    zeroPoints: await loadZeroPoints(matrix),
  };
}

/** [N, G]; the sum with the offset wraps around, as the first format's does for a zero point of 0. */
async function loadZeroPoints({ quantization, qzeros, numRows, numGroups }: PackedMatrix): Promise<Uint8Array> {
  const { method, bits, zeroPointOffset } = quantization;
  if (!qzeros) return new Uint8Array(numRows * numGroups).fill(2 ** (bits - 1));
  const words = toWords(await readWhole(qzeros));
  const packing = packingOf(method, bits);
  const stored = unpackAlongColumns(words, words.length / numGroups, { start: 0, end: numRows }, packing);
  return stored.map((zeroPoint) => (zeroPoint + zeroPointOffset) & (2 ** bits - 1));
}

function unpackRows(
  { quantization, numRows }: PackedMatrix,
  words: Int32Array,
  start: number,
  end: number,
): Uint8Array {
  const { method, bits } = quantization;
  const packing = packingOf(method, bits);
  if (method === 'gptq') return unpackAlongRows(words, numRows, { start, end }, packing);
  return unpackAlongColumns(words, (numRows * bits) / 32, { start, end }, packing);
}

/** [G, N] to [N, G]. */
function transpose(values: Float32Array, numCols: number): Float32Array {
  const numRows = values.length / numCols;
  return Float32Array.from(
    { length: values.length },
    (_, i) => values[(i % numRows) * numCols + Math.floor(i / numRows)],
  );
}
