import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { type Range, sliceOf } from '../checkpoint/weight-slice.js';
import { encodeWeight } from './encode-weight.js';
import { type MatrixWeight, tensorsOf, type WeightForm } from './matrix-weight.js';

const shape = [3, 64];
const stored = Float32Array.from({ length: 192 }, (_, i) => Math.sin(i * 1.7) * (1 + (i % 5)));

const checkpoint = {
  shapes: new Map([['w', shape]]),
  readRows: async (_: string, start: number, end: number) => stored.slice(start * 64, end * 64),
} as unknown as Checkpoint;

function columnsOf(form: WeightForm, cols: Range, paddedCols = cols.end - cols.start): MatrixWeight {
  return { name: 'w', slices: [sliceOf('w', shape, { cols, paddedCols })], form };
}

async function encode(weight: MatrixWeight): Promise<number[][]> {
  const tensors: number[][] = [];
  for await (const blocks of encodeWeight(checkpoint, weight)) {
    const values: number[] = [];
    for await (const block of blocks) values.push(...(block as unknown as Iterable<number>));
    tensors.push(values);
  }
  return tensors;
}

const whole = { start: 0, end: 64 };
const left = { start: 0, end: 32 };
const right = { start: 32, end: 64 };

describe('encodeWeight', () => {
  const forms: WeightForm[] = [{ kind: 'fp32' }, { kind: 'int8' }, { kind: 'int4', blockLen: 32 }];
  for (const form of forms) {
    it(`writes as many values as the tensors of ${form.kind} hold`, async () => {
      const weight = columnsOf(form, whole);
      const sizes = tensorsOf(weight).map(({ dims }) => dims.reduce((product, n) => product * n, 1));
      expect((await encode(weight)).map((values) => values.length)).toEqual(sizes);
    });
  }

  it('quantises the whole matrix before it cuts int8 shards', async () => {
    const [values, scales] = await encode(columnsOf({ kind: 'int8' }, whole));
    const [leftValues, leftScales] = await encode(columnsOf({ kind: 'int8' }, left));
    const [rightValues, rightScales] = await encode(columnsOf({ kind: 'int8' }, right));
    expect([...leftValues, ...rightValues]).toEqual(values);
    expect([leftScales, rightScales]).toEqual([scales, scales]);
  });

  it('cuts int4 shards on block boundaries', async () => {
    const form: WeightForm = { kind: 'int4', blockLen: 32 };
    const [values, scales] = await encode(columnsOf(form, whole));
    const [leftValues, leftScales] = await encode(columnsOf(form, left));
    const [rightValues, rightScales] = await encode(columnsOf(form, right));
    const byRow = (all: number[], size: number, row: number) => all.slice(row * size, (row + 1) * size);
    for (const row of [0, 1, 2]) {
      expect([...byRow(leftValues, 16, row), ...byRow(rightValues, 16, row)]).toEqual(byRow(values, 32, row));
      expect([...byRow(leftScales, 1, row), ...byRow(rightScales, 1, row)]).toEqual(byRow(scales, 2, row));
    }
  });

  it('transposes int8 and leaves padding columns at zero', async () => {
    const [values] = await encode(columnsOf({ kind: 'int8' }, { start: 0, end: 2 }, 3));
    expect(values).toHaveLength(9);
    expect(values.slice(6)).toEqual([0, 0, 0]);
    const [all] = await encode(columnsOf({ kind: 'int8' }, whole));
    expect(values.slice(0, 6)).toEqual(all.slice(0, 6));
  });

  it('stacks slices by rows', async () => {
    const slices = [
      sliceOf('w', shape, { rows: { start: 2, end: 3 } }),
      sliceOf('w', shape, { rows: { start: 0, end: 1 } }),
    ];
    const [values] = await encode({ name: 'stack', slices, form: { kind: 'fp32' } });
    expect(values).toEqual([...stored.slice(128, 192), ...stored.slice(0, 64)]);
  });

  it('gives zero to int4 rows that pad a shard', async () => {
    const slices = [sliceOf('w', shape, { rows: { start: 0, end: 1 }, paddedRows: 2 })];
    const [values, scales] = await encode({ name: 'w', slices, form: { kind: 'int4', blockLen: 32 } });
    expect(values.slice(32)).toEqual(new Array(32).fill(0x88));
    expect(scales).toHaveLength(4);
  });
});
