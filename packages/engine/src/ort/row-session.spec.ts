import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GraphBuilder } from '@tessera/onnx-graph';
import { Tensor } from 'onnxruntime-node';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createRowSession, type RowSession } from './row-session.js';

/** product = x · (number of rows), wide = x beside itself. */
function graphOfRows(): Uint8Array {
  const graph = new GraphBuilder('rows');
  const x = graph.input('x', 'float32', ['n', 2]);
  const numRows = graph.node('/rows', 'Cast', [graph.node('/rows', 'Shape', [x], { end: 1 })], { to: 1 });
  graph.output('product', graph.node('/product', 'Mul', [x, numRows]), 'float32', ['n', 2]);
  graph.output('wide', graph.node('/wide', 'Concat', [x, x], { axis: 1 }), 'float32', ['n', 4]);
  return graph.serialize('weights.bin', new Map());
}

const rows = (...values: number[]) => new Tensor('float32', Float32Array.from(values), [values.length / 2, 2]);

describe('createRowSession', () => {
  let dir: string;
  let session: RowSession;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tessera-row-session-'));
    await writeFile(join(dir, 'rows.onnx'), graphOfRows());
  });
  afterEach(() => session.close());
  afterAll(() => rm(dir, { recursive: true }));

  const open = async (rowTile?: number) => {
    session = await createRowSession(dir, 'rows.onnx', { numThreads: 1, rowTile });
  };

  test('runs all rows at once', async () => {
    await open();
    const { product } = await session.run({ x: rows(1, 2, 3, 4, 5, 6) });
    expect([...(product.data as Float32Array)]).toEqual([3, 6, 9, 12, 15, 18]);
  });

  for (const numRows of [1, 3, 4, 5, 8, 9]) {
    test(`runs ${numRows} rows as tiles of 4 and returns these rows only`, async () => {
      await open(4);
      const values = Array.from({ length: 2 * numRows }, (_, i) => i);
      const { product, wide } = await session.run({ x: rows(...values) });
      expect(product.dims).toEqual([numRows, 2]);
      expect([...(product.data as Float32Array)]).toEqual(values.map((value) => 4 * value));
      expect(wide.dims).toEqual([numRows, 4]);
      expect([...(wide.data as Float32Array)].slice(-4)).toEqual([...values.slice(-2), ...values.slice(-2)]);
    });
  }

  for (const rowTile of [undefined, 4]) {
    test(`computes only the outputs asked for, ${rowTile ? 'in tiles' : 'at once'}`, async () => {
      await open(rowTile);
      expect(Object.keys(await session.run({ x: rows(1, 2) }, ['wide']))).toEqual(['wide']);
    });
  }
});
