import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readExactly, type WeightIndex } from '@tessera/onnx-graph';

/** A quantised matrix [N, K] as an engine of one rank keeps it. */
export interface StoredMatrix {
  readonly kind: 'int8' | 'int4';
  /** Rows [start, end) as the engine reads them, [end − start, K]. */
  rows(start: number, end: number): Float32Array;
}

/** The quantised matrices of a part of an engine by name, without the suffix that says how they are kept. */
export function quantizedMatrices({ locations }: WeightIndex): string[] {
  return Object.keys(locations).flatMap((name) => /^(.+)\.int[48]$/.exec(name)?.[1] ?? []);
}

/** Reads one of them whole. */
export async function readStoredMatrix(
  engineDir: string,
  { file, locations }: WeightIndex,
  name: string,
  numRows: number,
): Promise<StoredMatrix> {
  const handle = await open(join(engineDir, file));
  const read = async (tensor: string): Promise<Uint8Array | undefined> => {
    const location = locations[`${name}.${tensor}`];
    return location && (await readExactly(handle, location.offset, location.numBytes));
  };
  try {
    const scales = toFloats((await read('scale')) as Uint8Array);
    const int8 = await read('int8');
    if (int8) return new Int8Matrix(new Int8Array(int8.buffer, int8.byteOffset, int8.length), scales);
    return new Int4Matrix((await read('int4')) as Uint8Array, scales, await read('zero'), numRows);
  } finally {
    await handle.close();
  }
}

/** [K, N] with a scale a row of N. */
class Int8Matrix implements StoredMatrix {
  readonly kind = 'int8';
  readonly #values: Int8Array;
  readonly #scales: Float32Array;

  constructor(values: Int8Array, scales: Float32Array) {
    this.#values = values;
    this.#scales = scales;
  }

  rows(start: number, end: number): Float32Array {
    const numRows = this.#scales.length;
    const numCols = this.#values.length / numRows;
    const rows = new Float32Array((end - start) * numCols);
    for (let k = 0; k < numCols; k++) {
      for (let n = start; n < end; n++) {
        rows[(n - start) * numCols + k] = this.#values[k * numRows + n] * this.#scales[n];
      }
    }
    return rows;
  }
}

/** [N, blocks, blockLen / 2] with a scale a block, and a zero point a block or 8. */
class Int4Matrix implements StoredMatrix {
  readonly kind = 'int4';
  readonly #values: Uint8Array;
  readonly #scales: Float32Array;
  readonly #zeros: Uint8Array | undefined;
  readonly #numBlocks: number;

  constructor(values: Uint8Array, scales: Float32Array, zeros: Uint8Array | undefined, numRows: number) {
    this.#values = values;
    this.#scales = scales;
    this.#zeros = zeros;
    this.#numBlocks = scales.length / numRows;
  }

  rows(start: number, end: number): Float32Array {
    const blockLen = (this.#values.length * 2) / this.#scales.length;
    const rows = new Float32Array((end - start) * this.#numBlocks * blockLen);
    const firstBlock = start * this.#numBlocks;
    for (let i = 0; i < rows.length; i++) {
      const block = firstBlock + Math.floor(i / blockLen);
      const level = nibble(this.#values, firstBlock * blockLen + i);
      rows[i] = (level - this.#zeroOf(block)) * this.#scales[block];
    }
    return rows;
  }

  /** Zero points lie two a byte; each row begins with a byte of its own. */
  #zeroOf(block: number): number {
    if (!this.#zeros) return 8;
    const paddedBlocks = Math.ceil(this.#numBlocks / 2) * 2;
    return nibble(this.#zeros, Math.floor(block / this.#numBlocks) * paddedBlocks + (block % this.#numBlocks));
  }
}

/** The low half of a byte comes first. */
function nibble(bytes: Uint8Array, index: number): number {
  return (bytes[index >> 1] >> ((index & 1) * 4)) & 15;
}

function toFloats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}
