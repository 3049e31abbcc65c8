import { writeFile } from 'node:fs/promises';

/** A tensor as a safetensors file holds it, little-endian. */
export interface RawTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export function floatTensor(shape: readonly number[], values: Float32Array): RawTensor {
  return { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

export async function writeSafetensors(path: string, tensors: ReadonlyMap<string, RawTensor>): Promise<void> {
  let offset = 0;
  const entries = [...tensors].map(([name, { dtype, shape, bytes }]) => {
    const start = offset;
    offset += bytes.byteLength;
    return [name, { dtype, shape, data_offsets: [start, offset] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.byteLength));
  await writeFile(path, Buffer.concat([length, header, ...[...tensors.values()].map(({ bytes }) => bytes)]));
}
