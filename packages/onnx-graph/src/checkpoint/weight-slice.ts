import type { Checkpoint } from './checkpoint.js';
import { rowRanges } from './row-ranges.js';

/** A half-open interval of rows or columns. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * A part of a checkpoint tensor, seen as a matrix [rows, columns] (a vector is one column): what a rank keeps of it,
 * then zero rows or columns up to the padded size.
 */
export interface WeightSlice {
  readonly tensor: string;
  /** Dimensions of the result in the graph; their product is paddedRows · paddedCols. */
  readonly dims: readonly number[];
  readonly rows: Range;
  readonly cols: Range;
  readonly paddedRows: number;
  readonly paddedCols: number;
}

interface SliceOptions {
  readonly rows?: Range;
  readonly cols?: Range;
  readonly paddedRows?: number;
  readonly paddedCols?: number;
  readonly dims?: readonly number[];
}

/** The slice of `tensor`, whose stored shape is `shape`; all of it by default. */
export function sliceOf(tensor: string, shape: readonly number[], options: SliceOptions = {}): WeightSlice {
  const numCols = shape.slice(1).reduce((product, n) => product * n, 1);
  const rows = options.rows ?? { start: 0, end: shape[0] };
  const cols = options.cols ?? { start: 0, end: numCols };
  const paddedRows = options.paddedRows ?? rows.end - rows.start;
  const paddedCols = options.paddedCols ?? cols.end - cols.start;
  const dims = options.dims ?? (shape.length === 1 ? [paddedRows] : [paddedRows, paddedCols]);
  return { tensor, dims, rows, cols, paddedRows, paddedCols };
}

/** Of a tensor read at once, in float32. */
export const maxBlockBytes = 16 << 20;

/** Reads a slice in blocks of whole padded rows, at most 16 MiB of source each, in order. */
export async function* readSlice(checkpoint: Checkpoint, slice: WeightSlice): AsyncGenerator<Float32Array> {
  const numStored = numStoredCols(checkpoint, slice);
  for (const { start, end } of rowRanges(slice.rows, numStored * 4, maxBlockBytes)) {
    yield cutColumns(await checkpoint.readRows(slice.tensor, start, end), numStored, slice);
  }
  const numPaddingRows = slice.paddedRows - (slice.rows.end - slice.rows.start);
  if (numPaddingRows > 0) yield new Float32Array(numPaddingRows * slice.paddedCols);
}

/** Columns of the stored tensor, seen as a matrix. */
export function numStoredCols({ shapes }: Checkpoint, { tensor }: WeightSlice): number {
  return (shapes.get(tensor) ?? []).slice(1).reduce((product, n) => product * n, 1);
}

/** The slice's columns of whole rows, padded. */
export function cutColumns(
  block: Float32Array,
  numStored: number,
  { cols, paddedCols }: Pick<WeightSlice, 'cols' | 'paddedCols'>,
): Float32Array {
  if (cols.start === 0 && cols.end === numStored && paddedCols === numStored) return block;
  const numRows = block.length / numStored;
  const cut = new Float32Array(numRows * paddedCols);
  for (let r = 0; r < numRows; r++) {
    cut.set(block.subarray(r * numStored + cols.start, r * numStored + cols.end), r * paddedCols);
  }
  return cut;
}
