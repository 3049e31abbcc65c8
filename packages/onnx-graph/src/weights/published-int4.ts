import type { Checkpoint } from '../checkpoint/checkpoint.js';
import type { PackedRows } from '../checkpoint/packed-rows.js';
import type { Range } from '../checkpoint/weight-slice.js';
import { type Int4Form, type MatrixWeight, numCols, numRows } from './matrix-weight.js';
import { rowBlocks } from './row-blocks.js';

/**
 * A 4-bit matrix for MatMulNBits with the levels, scales and zero points of the checkpoint, in the order of `tensorsOf`.
 * Blocks lie within groups and share their scale; what pads a shard stands for zero.
 */
export async function publishedInt4(
  checkpoint: Checkpoint,
  weight: MatrixWeight,
  { blockLen, published }: Int4Form,
): Promise<ArrayBufferView[]> {
  const numBlocks = Math.ceil(numCols(weight) / blockLen);
  const target = new Int4Target(numRows(weight), numBlocks, blockLen);
  for (const { firstRow, rows, slice } of rowBlocks(checkpoint, weight)) {
    const packed = await checkpoint.readPackedRows(slice.tensor, rows.start, rows.end);
    for (let r = 0; r < rows.end - rows.start; r++) target.writeRow(firstRow + r, packed, r, slice.cols);
  }
  const { values, scales, zeroPoints } = target;
  return published === 'zeroPoints' ? [values, scales, zeroPoints] : [values, scales];
}

/** 8, the zero point of padding, in both halves of a byte. */
const zeros = 0x88;

class Int4Target {
  /** [N, blocks, blockLen / 2], low half first. */
  readonly values: Uint8Array;
  /** [N, blocks]. */
  readonly scales: Float32Array;
  /** [N, ⌈blocks / 2⌉], low half first. */
  readonly zeroPoints: Uint8Array;
  readonly #numBlocks: number;
  readonly #blockLen: number;

  constructor(numRows: number, numBlocks: number, blockLen: number) {
    this.#numBlocks = numBlocks;
    this.#blockLen = blockLen;
    this.values = new Uint8Array((numRows * numBlocks * blockLen) / 2).fill(zeros);
    this.scales = new Float32Array(numRows * numBlocks).fill(1);
    this.zeroPoints = new Uint8Array(numRows * Math.ceil(numBlocks / 2)).fill(zeros);
  }

  /** The columns `cols` of packed row `r` as row `row`. */
  writeRow(row: number, packed: PackedRows, r: number, cols: Range): void {
    const blockLen = this.#blockLen;
    for (let block = 0, start = cols.start; start < cols.end; block++, start += blockLen) {
      const group = r * packed.numGroups + packed.groupOf[start];
      const zeroPoint = packed.zeroPoints[group];
      const index = row * this.#numBlocks + block;
      this.scales[index] = packed.scales[group];
      setHalf(this.zeroPoints, row * Math.ceil(this.#numBlocks / 2) * 2 + block, zeroPoint);
      const source = r * packed.groupOf.length;
      const levelAt = (column: number): number => (column < cols.end ? packed.levels[source + column] : zeroPoint);
      for (let i = 0; i < blockLen; i += 2) {
        this.values[(index * blockLen + i) >> 1] = levelAt(start + i) | (levelAt(start + i + 1) << 4);
      }
    }
  }
}

/** Writes the half byte `index` of `bytes`. */
function setHalf(bytes: Uint8Array, index: number, value: number): void {
  const at = index >> 1;
  bytes[at] = index % 2 === 0 ? (bytes[at] & 0xf0) | value : (bytes[at] & 0x0f) | (value << 4);
}
