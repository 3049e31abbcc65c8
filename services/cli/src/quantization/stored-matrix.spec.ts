import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WeightIndex } from '@tessera/onnx-graph';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { quantizedMatrices, readStoredMatrix } from './stored-matrix.js';

/** A weight file of these tensors, one after the other. */
async function writeWeights(tensors: Readonly<Record<string, Uint8Array | Int8Array | Float32Array>>) {
  const dir = await temporaryFolder();
  const locations: Record<string, { offset: number; numBytes: number }> = {};
  const bytes: Buffer[] = [];
  let offset = 0;
  for (const [name, { buffer, byteLength }] of Object.entries(tensors)) {
    locations[name] = { offset, numBytes: byteLength };
    bytes.push(Buffer.from(buffer));
    offset += byteLength;
  }
  await writeFile(join(dir, 'weights.bin'), Buffer.concat(bytes));
  const index: WeightIndex = { file: 'weights.bin', locations };
  return { dir, index };
}

it('names quantised matrices and leaves out what is kept in float32', async () => {
  const { index } = await writeWeights({
    'a.weight.int8': new Int8Array(1),
    'a.weight.scale': new Float32Array(1),
    'a.bias': new Float32Array(1),
    'b.weight.int4': new Uint8Array(1),
  });
  expect(quantizedMatrices(index)).toEqual(['a.weight', 'b.weight']);
});

it('reads rows of int8, which lie in columns', async () => {
  const values = Int8Array.of(1, 10, 100, 2, 20, 120);
  const { dir, index } = await writeWeights({ 'm.int8': values, 'm.scale': Float32Array.of(1, 2, 0.5) });
  const matrix = await readStoredMatrix(dir, index, 'm', 3);
  expect([...matrix.rows(0, 3)]).toEqual([1, 2, 20, 40, 50, 60]);
  expect([...matrix.rows(1, 2)]).toEqual([20, 40]);
});

it('reads rows of int4, the low half of a byte first', async () => {
  const values = Uint8Array.of(0x98, 0x7f, 0x08, 0x88);
  const { dir, index } = await writeWeights({ 'm.int4': values, 'm.scale': Float32Array.of(1, 10, 2, 3) });
  const matrix = await readStoredMatrix(dir, index, 'm', 2);
  expect([...matrix.rows(0, 2)]).toEqual([0, 1, 70, -10, 0, -16, 0, 0]);
  expect([...matrix.rows(1, 2)]).toEqual([0, -16, 0, 0]);
});

it('reads rows of int4 with zero points, each row beginning with a byte of its own', async () => {
  const values = Uint8Array.of(0x10, 0x32, 0x54, 0x76, 0x98, 0xba);
  const scales = new Float32Array(6).fill(1);
  const zeros = Uint8Array.of(0x20, 0x04, 0x86, 0x0a);
  const { dir, index } = await writeWeights({ 'm.int4': values, 'm.scale': scales, 'm.zero': zeros });
  const matrix = await readStoredMatrix(dir, index, 'm', 2);
  expect([...matrix.rows(0, 2)]).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
});
