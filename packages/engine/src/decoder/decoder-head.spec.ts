import { describe, expect, test } from 'vitest';
import { selectHeadRows } from './decoder-head.js';
import type { StepBatch } from './step-batch.js';

describe('selectHeadRows', () => {
  const spans = [
    { firstRow: 0, numRows: 3 },
    { firstRow: 3, numRows: 1 },
    { firstRow: 4, numRows: 2 },
  ];
  const batch = { chunks: spans.map((span) => ({ span })) } as unknown as StepBatch;

  test('takes the last row of each chunk that needs one', () => {
    expect(selectHeadRows(batch, false, (chunkIndex) => chunkIndex !== 1)).toEqual([
      { chunkIndex: 0, row: 2 },
      { chunkIndex: 2, row: 5 },
    ]);
  });

  test('takes every row when all are needed', () => {
    const rows = selectHeadRows(batch, true, () => false);
    expect(rows.map(({ row }) => row)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(rows.map(({ chunkIndex }) => chunkIndex)).toEqual([0, 0, 0, 1, 2, 2]);
  });
});
