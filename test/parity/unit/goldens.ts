import { readFileSync } from 'node:fs';

const root = new URL('../goldens/', import.meta.url);

/** A parsed JSON file of the reference data, by its path there. */
export function readGolden<Value>(path: string): Value {
  return JSON.parse(readFileSync(new URL(path, root), 'utf8')) as Value;
}

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Every tensor of a safetensors file: 8 bytes of header length, a JSON header, the data. */
export function readGoldenTensors(path: string): ReadonlyMap<string, GoldenTensor> {
  const file = readFileSync(new URL(path, root));
  const dataStart = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, dataStart)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(([name, { shape, data_offsets }]) => [
        name,
        { shape, bytes: new Uint8Array(file.subarray(dataStart + data_offsets[0], dataStart + data_offsets[1])) },
      ]),
  );
}
