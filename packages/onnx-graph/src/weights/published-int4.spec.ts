import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { dequantize, type PackedRows } from '../checkpoint/packed-rows.js';
import { type Range, sliceOf } from '../checkpoint/weight-slice.js';
import type { Int4Form } from './matrix-weight.js';
import { publishedInt4 } from './published-int4.js';

/** [2, 96] in groups of 32. */
const [numRows, numCols, numGroups] = [2, 96, 3];
const packed: PackedRows = {
  levels: Uint8Array.from({ length: numRows * numCols }, (_, i) => (i * 7) % 16),
  scales: Float32Array.of(0.5, 2, 4, 1, 8, 0.25),
  zeroPoints: Uint8Array.of(0, 15, 3, 8, 1, 7),
  groupOf: Int32Array.from({ length: numCols }, (_, column) => Math.floor(column / 32)),
  numGroups,
};

const checkpoint = {
  shapes: new Map([['w', [numRows, numCols]]]),
  readPackedRows: async (_: string, start: number, end: number): Promise<PackedRows> => ({
    ...packed,
    levels: packed.levels.subarray(start * numCols, end * numCols),
    scales: packed.scales.subarray(start * numGroups, end * numGroups),
    zeroPoints: packed.zeroPoints.subarray(start * numGroups, end * numGroups),
  }),
} as unknown as Checkpoint;

interface Part {
  readonly cols?: Range;
  readonly paddedCols?: number;
  readonly paddedRows?: number;
}

async function encode(form: Int4Form, part: Part = {}) {
  const slices = [sliceOf('w', [numRows, numCols], part)];
  const [values, scales, zeroPoints] = await publishedInt4(checkpoint, { name: 'w', slices, form }, form);
  return { values: values as Uint8Array, scales: scales as Float32Array, zeroPoints: zeroPoints as Uint8Array };
}

/** What MatMulNBits makes of the tensors, row by row. */
function restored({ values, scales, zeroPoints }: Awaited<ReturnType<typeof encode>>, numBlocks: number): number[] {
  const half = (bytes: Uint8Array, i: number): number => (i % 2 === 0 ? bytes[i >> 1] & 15 : bytes[i >> 1] >> 4);
  const blockLen = (values.length * 2) / scales.length;
  return Array.from({ length: values.length * 2 }, (_, i) => {
    const block = Math.floor(i / blockLen);
    const [row, column] = [Math.floor(block / numBlocks), block % numBlocks];
    const zeroPoint = zeroPoints ? half(zeroPoints, row * Math.ceil(numBlocks / 2) * 2 + column) : 8;
    return (half(values, i) - zeroPoint) * scales[block];
  });
}

const whole = [...dequantize(packed)];

describe('publishedInt4', () => {
  for (const blockLen of [32, 16]) {
    it(`stands for the checkpoint's own values in blocks of ${blockLen}`, async () => {
      const tensors = await encode({ kind: 'int4', blockLen, published: 'zeroPoints' });
      expect(restored(tensors, numCols / blockLen)).toEqual(whole);
    });
  }

  it('leaves symmetric zero points out', async () => {
    const tensors = await encode({ kind: 'int4', blockLen: 32, published: 'symmetric' });
    expect(tensors.zeroPoints).toBeUndefined();
    expect(tensors.values).toHaveLength((numRows * numCols) / 2);
  });

  it('cuts columns and pads with zeros', async () => {
    const form: Int4Form = { kind: 'int4', blockLen: 32, published: 'zeroPoints' };
    const tensors = await encode(form, { cols: { start: 64, end: 96 }, paddedCols: 64, paddedRows: 3 });
    const zeros = new Array(32).fill(0);
    const rows = [...whole.slice(64, 96), ...zeros, ...whole.slice(160, 192), ...zeros, ...zeros, ...zeros];
    expect(restored(tensors, 2)).toEqual(rows);
  });
});
