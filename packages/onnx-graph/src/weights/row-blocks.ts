import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { numStoredCols, type Range, type WeightSlice } from '../checkpoint/weight-slice.js';
import type { MatrixWeight } from './matrix-weight.js';

/** Rows of a weight that are read together. */
export interface RowBlock {
  /** Row of the weight that the block begins at. */
  readonly firstRow: number;
  /** Rows of the slice's tensor. */
  readonly rows: Range;
  readonly slice: WeightSlice;
}

const maxBlockBytes = 16 << 20;

/** The rows that exist, slice by slice, in blocks of at most 16 MiB in float32; padding rows are left out. */
export function* rowBlocks(checkpoint: Checkpoint, { slices }: MatrixWeight): Generator<RowBlock> {
  let sliceRow = 0;
  for (const slice of slices) {
    const rowsPerBlock = Math.max(1, Math.floor(maxBlockBytes / (numStoredCols(checkpoint, slice) * 4)));
    for (let start = slice.rows.start; start < slice.rows.end; start += rowsPerBlock) {
      const end = Math.min(start + rowsPerBlock, slice.rows.end);
      yield { firstRow: sliceRow + start - slice.rows.start, rows: { start, end }, slice };
    }
    sliceRow += slice.paddedRows;
  }
}
