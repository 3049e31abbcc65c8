import type { Range } from './weight-slice.js';

/** Neighbouring rows of `rowBytes` each, cut into ranges of at most `maxBytes`, but of one row at least. */
export function* rowRanges({ start, end }: Range, rowBytes: number, maxBytes: number): Generator<Range> {
  const rowsPerRange = Math.max(1, Math.floor(maxBytes / rowBytes));
  for (let row = start; row < end; row += rowsPerRange) {
    yield { start: row, end: Math.min(row + rowsPerRange, end) };
  }
}
