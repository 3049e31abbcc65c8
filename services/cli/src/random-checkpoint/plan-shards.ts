/** One safetensors file that is to be written. */
export interface PlannedShard {
  readonly file: string;
  readonly tensors: readonly PlannedTensor[];
  readonly dataBytes: number;
}

export interface PlannedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly numValues: number;
  /** From the beginning of the shard's data. */
  readonly offset: number;
  readonly numBytes: number;
}

const bytesPerValue = 2;

/** Spreads bf16 tensors over files of at most `maxBytes` of data, in order; a larger tensor gets a file of its own. */
export function planShards(shapes: ReadonlyMap<string, readonly number[]>, maxBytes: number): PlannedShard[] {
  const groups: PlannedTensor[][] = [[]];
  let offset = 0;
  for (const [name, shape] of shapes) {
    const numValues = shape.reduce((product, n) => product * n, 1);
    const numBytes = numValues * bytesPerValue;
    if (offset > 0 && offset + numBytes > maxBytes) {
      groups.push([]);
      offset = 0;
    }
    groups.at(-1)!.push({ name, shape, numValues, offset, numBytes });
    offset += numBytes;
  }
  return groups.map((tensors, i) => ({
    file: `model-${fiveDigits(i + 1)}-of-${fiveDigits(groups.length)}.safetensors`,
    tensors,
    dataBytes: tensors.reduce((sum, { numBytes }) => sum + numBytes, 0),
  }));
}

function fiveDigits(value: number): string {
  return String(value).padStart(5, '0');
}

/** `model.safetensors.index.json`: which file holds which tensor. */
export function shardIndex(shards: readonly PlannedShard[]): object {
  return {
    metadata: { total_size: shards.reduce((sum, { dataBytes }) => sum + dataBytes, 0) },
    weight_map: Object.fromEntries(shards.flatMap(({ file, tensors }) => tensors.map(({ name }) => [name, file]))),
  };
}

/** The bytes in front of a shard's data: length of the header, header as JSON, spaces up to a multiple of 8. */
export function shardHeader({ tensors }: PlannedShard): Buffer {
  const entries = tensors.map(({ name, shape, offset, numBytes }) => [
    name,
    { dtype: 'BF16', shape, data_offsets: [offset, offset + numBytes] },
  ]);
  const json = JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) });
  const header = Buffer.from(json.padEnd(Math.ceil(Buffer.byteLength(json) / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.byteLength));
  return Buffer.concat([length, header]);
}
