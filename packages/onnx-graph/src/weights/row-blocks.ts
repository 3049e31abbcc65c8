import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { rowRanges } from '../checkpoint/row-ranges.js';
import { maxBlockBytes, numStoredCols, type Range, type WeightSlice } from '../checkpoint/weight-slice.js';
import type { MatrixWeight } from './matrix-weight.js';

/** Rows of a weight that are read together. */
export interface RowBlock {
  /** Row of the weight that the block begins at. */
  readonly firstRow: number;
  /** Rows of the slice's tensor. */
  readonly rows: Range;
  readonly slice: WeightSlice;
}

/** The rows that exist, slice by slice, in blocks of at most 16 MiB in float32; padding rows are left out. */
export function* rowBlocks(checkpoint: Checkpoint, { slices }: MatrixWeight): Generator<RowBlock> {
  let sliceRow = 0;
  for (const slice of slices) {
    for (const rows of rowRanges(slice.rows, numStoredCols(checkpoint, slice) * 4, maxBlockBytes)) {
      yield { firstRow: sliceRow + rows.start - slice.rows.start, rows, slice };
    }
    sliceRow += slice.paddedRows;
  }
}
