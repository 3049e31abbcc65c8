import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { writeTinyCheckpoint } from '../testing/tiny-checkpoint.js';
import { Checkpoint } from './checkpoint.js';
import { readSlice, sliceOf, type WeightSlice } from './weight-slice.js';

/** [20, 16], counting up row by row. */
const matrix = 'model.embed_tokens.weight';

async function read(slice: WeightSlice): Promise<number[]> {
  const dir = await temporaryFolder();
  await writeTinyCheckpoint(dir);
  const checkpoint = await Checkpoint.open(dir);
  onTestFinished(() => checkpoint.close());
  const values: number[] = [];
  for await (const block of readSlice(checkpoint, slice)) values.push(...block);
  return values;
}

describe('sliceOf', () => {
  it('takes a whole matrix', () => {
    expect(sliceOf('w', [6, 4])).toEqual({
      tensor: 'w',
      dims: [6, 4],
      rows: { start: 0, end: 6 },
      cols: { start: 0, end: 4 },
      paddedRows: 6,
      paddedCols: 4,
    });
  });

  it('takes a vector as one column', () => {
    expect(sliceOf('b', [6], { rows: { start: 2, end: 4 } })).toMatchObject({ dims: [2], cols: { start: 0, end: 1 } });
  });

  it('flattens a kernel of many dimensions', () => {
    expect(sliceOf('k', [8, 3, 2, 2, 2]).dims).toEqual([8, 24]);
  });

  it('has the padded size', () => {
    const slice = sliceOf('w', [6, 4], { rows: { start: 4, end: 6 }, paddedRows: 4, paddedCols: 32 });
    expect(slice.dims).toEqual([4, 32]);
  });
});

describe('readSlice', () => {
  it('reads all of a matrix', async () => {
    expect(await read(sliceOf(matrix, [20, 16]))).toEqual(Array.from({ length: 320 }, (_, i) => i));
  });

  it('reads rows', async () => {
    const values = await read(sliceOf(matrix, [20, 16], { rows: { start: 3, end: 5 } }));
    expect(values).toEqual(Array.from({ length: 32 }, (_, i) => 48 + i));
  });

  it('reads columns', async () => {
    const values = await read(sliceOf(matrix, [20, 16], { rows: { start: 0, end: 3 }, cols: { start: 14, end: 16 } }));
    expect(values).toEqual([14, 15, 30, 31, 46, 47]);
  });

  it('pads rows with zeros below', async () => {
    const slice = sliceOf('model.norm.weight', [16], { rows: { start: 13, end: 16 }, paddedRows: 6 });
    expect(await read(slice)).toEqual([13, 14, 15, 0, 0, 0]);
  });

  it('pads columns with zeros on the right', async () => {
    const options = { rows: { start: 1, end: 3 }, cols: { start: 15, end: 16 }, paddedCols: 3 };
    expect(await read(sliceOf(matrix, [20, 16], options))).toEqual([31, 0, 0, 47, 0, 0]);
  });

  it('is all zeros for a rank that keeps only padding', async () => {
    const rows = { start: 20, end: 20 };
    expect(await read(sliceOf(matrix, [20, 16], { rows, paddedRows: 1 }))).toEqual(Array(16).fill(0));
    const cols = { start: 16, end: 16 };
    expect(await read(sliceOf(matrix, [20, 16], { rows: { start: 0, end: 2 }, cols, paddedCols: 2 }))).toEqual([
      0, 0, 0, 0,
    ]);
  });
});
