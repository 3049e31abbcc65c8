import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { cutColumns, numStoredCols, readSlice, type WeightSlice } from '../checkpoint/weight-slice.js';
import { type MatrixWeight, numCols, numRows } from './matrix-weight.js';
import { publishedInt4 } from './published-int4.js';
import { quantizeInt4 } from './quantize-int4.js';
import { quantizeInt8 } from './quantize-int8.js';
import { rowBlocks } from './row-blocks.js';

type Blocks = AsyncIterable<ArrayBufferView> | Iterable<ArrayBufferView>;

/** The data of each external tensor of a weight, in the order of `tensorsOf`; each must be read to its end in turn. */
export async function* encodeWeight(checkpoint: Checkpoint, weight: MatrixWeight): AsyncGenerator<Blocks> {
  switch (weight.form.kind) {
    case 'fp32':
      yield floatBlocks(checkpoint, weight);
      return;
    case 'int8':
      yield* int8Tensors(checkpoint, weight);
      return;
    case 'int4':
      if (weight.form.published) {
        for (const tensor of await publishedInt4(checkpoint, weight, weight.form)) yield [tensor];
      } else yield* int4Tensors(checkpoint, weight, weight.form.blockLen);
      return;
  }
}

async function* floatBlocks(checkpoint: Checkpoint, { slices }: MatrixWeight): AsyncGenerator<Float32Array> {
  for (const slice of slices) yield* readSlice(checkpoint, slice);
}

/**
 * Scales come from whole rows of the checkpoint's matrix, so that a weight is the same at every tensor-parallel degree;
 * then the columns are cut and the matrix is transposed.
 */
async function* int8Tensors(checkpoint: Checkpoint, weight: MatrixWeight): AsyncGenerator<Blocks> {
  const n = numRows(weight);
  const k = numCols(weight);
  const transposed = new Int8Array(k * n);
  const scales = new Float32Array(n).fill(1);
  for (const { firstRow, rows, slice } of rowBlocks(checkpoint, weight)) {
    const numStored = numStoredCols(checkpoint, slice);
    const values = await checkpoint.readRows(slice.tensor, rows.start, rows.end);
    const quantized = quantizeInt8(values, numStored);
    scales.set(quantized.scales, firstRow);
    transposeInto(transposed, n, quantized.values, numStored, slice, firstRow);
  }
  yield [transposed];
  yield [scales];
}

/** Shards begin and end on the whole matrix's block boundaries, so a block is the same at every degree. */
async function* int4Tensors(checkpoint: Checkpoint, weight: MatrixWeight, blockLen: number): AsyncGenerator<Blocks> {
  const n = numRows(weight);
  const numBlocks = Math.ceil(numCols(weight) / blockLen);
  const scales = new Float32Array(n * numBlocks).fill(1);
  const values = async function* (): AsyncGenerator<Uint8Array> {
    let numWritten = 0;
    for (const { firstRow, rows, slice } of rowBlocks(checkpoint, weight)) {
      const stored = await checkpoint.readRows(slice.tensor, rows.start, rows.end);
      const cut = cutColumns(stored, numStoredCols(checkpoint, slice), slice);
      const quantized = quantizeInt4(cut, slice.paddedCols, blockLen);
      scales.set(quantized.scales, firstRow * numBlocks);
      const numPaddingRows = firstRow - numWritten;
      if (numPaddingRows > 0) yield zeroRows(numPaddingRows, numBlocks, blockLen);
      yield quantized.values;
      numWritten = firstRow + cut.length / slice.paddedCols;
    }
    if (numWritten < n) yield zeroRows(n - numWritten, numBlocks, blockLen);
  };
  yield values();
  yield [scales];
}

const zeroRows = (count: number, numBlocks: number, blockLen: number): Uint8Array =>
  new Uint8Array((count * numBlocks * blockLen) / 2).fill(0x88);

/** Writes the slice's columns of `rows` [r, numStored] as columns `firstColumn …` of `target` [k, n], tile by tile. */
function transposeInto(
  target: Int8Array,
  n: number,
  rows: Int8Array,
  numStored: number,
  { cols }: WeightSlice,
  firstColumn: number,
): void {
  const count = rows.length / numStored;
  const tile = 64;
  for (let r0 = 0; r0 < count; r0 += tile) {
    const rEnd = Math.min(r0 + tile, count);
    for (let c = cols.start; c < cols.end; c++) {
      const at = (c - cols.start) * n + firstColumn;
      for (let r = r0; r < rEnd; r++) target[at + r] = rows[r * numStored + c];
    }
  }
}
