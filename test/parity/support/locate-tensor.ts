export interface TensorBytes {
  /** In the file. */
  readonly offset: number;
  readonly numBytes: number;
  readonly shape: readonly number[];
}

/** Where a tensor lies in a safetensors file, which is 8 bytes of header length, a JSON header, the data. */
export function locateTensor(file: Buffer, tensor: string): TensorBytes {
  const dataStart = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, dataStart)) as Record<
    string,
    { data_offsets: [number, number]; shape: number[] }
  >;
  const entry = header[tensor];
  if (!entry) throw new Error(`There is no tensor ${tensor}.`);
  const [start, end] = entry.data_offsets;
  return { offset: dataStart + start, numBytes: end - start, shape: entry.shape };
}
