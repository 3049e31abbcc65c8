import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddingManifest, type EngineManifest, narrowToBf16 } from '@tessera/onnx-graph';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EmbeddingTable } from './embedding-table.js';

const values = Float32Array.of(1, -2, 0.5, 3, 4, -0.25);

describe('EmbeddingTable', () => {
  let engineDir: string;
  beforeEach(() => {
    engineDir = mkdtempSync(join(tmpdir(), 'tessera-embedding-table-'));
  });
  afterEach(() => rmSync(engineDir, { recursive: true }));

  const open = (dtype: EmbeddingManifest['dtype'], bytes: Uint8Array): EmbeddingTable => {
    writeFileSync(join(engineDir, 'embedding.bin'), bytes);
    const embedding = { file: 'embedding.bin', dtype, numRows: 3, rowLen: 2 };
    return new EmbeddingTable(engineDir, { embedding } as EngineManifest);
  };

  for (const [dtype, bytes] of [
    ['F32', new Uint8Array(values.slice().buffer)],
    ['BF16', narrowToBf16(values)],
  ] as const) {
    test(`gives the rows of a table in ${dtype}, in any order`, () => {
      const table = open(dtype, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      expect([2, 0, 1, 0].map((tokenId) => [...table.row(tokenId)])).toEqual([
        [4, -0.25],
        [1, -2],
        [0.5, 3],
        [1, -2],
      ]);
      table.close();
    });
  }

  test('refuses an engine without its file', () => {
    const embedding = { file: 'missing.bin', dtype: 'F32', numRows: 3, rowLen: 2 };
    const refused = { reason: 'engine_invalid', facts: { file: 'missing.bin' } };
    expect(() => new EmbeddingTable(engineDir, { embedding } as EngineManifest)).toThrow(
      expect.objectContaining(refused),
    );
  });

  test('refuses a row that the file does not have', () => {
    const table = open('F32', new Uint8Array(values.slice(0, 5).buffer));
    expect(() => table.row(2)).toThrow(expect.objectContaining({ reason: 'engine_invalid', facts: { tokenId: 2 } }));
    expect([...table.row(1)]).toEqual([0.5, 3]);
    table.close();
  });
});
