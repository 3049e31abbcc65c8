import type { FileHandle } from 'node:fs/promises';
import { ServingError } from '@tessera/domain';

/** Where one tensor lies in a safetensors file; offsets are absolute. */
export interface TensorLocation {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly numBytes: number;
}

const maxHeaderBytes = 100_000_000;

/**
 * Reads a safetensors header: 8 bytes of little-endian length, then JSON, then the data.
 * Throws `checkpoint_truncated` when the file ends before its last tensor, `checkpoint_invalid` when it is no such file.
 */
export async function readSafetensorsHeader(
  file: FileHandle,
  fileName: string,
): Promise<ReadonlyMap<string, TensorLocation>> {
  const { size } = await file.stat();
  if (size < 8) throw truncated(fileName, size, 8);
  const headerLen = Number((await readExactly(file, 0, 8)).readBigUInt64LE());
  if (headerLen > maxHeaderBytes) {
    throw invalid(fileName, `states a header of ${headerLen} bytes; the limit is ${maxHeaderBytes}`);
  }
  if (size < 8 + headerLen) throw truncated(fileName, size, 8 + headerLen);
  const header = parseHeader(await readExactly(file, 8, headerLen), fileName);
  const tensors = new Map<string, TensorLocation>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    tensors.set(name, locate(entry, 8 + headerLen, `${fileName}: tensor ${name}`));
  }
  let endOffset = 8 + headerLen;
  for (const { offset, numBytes } of tensors.values()) endOffset = Math.max(endOffset, offset + numBytes);
  if (size < endOffset) throw truncated(fileName, size, endOffset);
  return tensors;
}

function parseHeader(bytes: Buffer, fileName: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw invalid(fileName, 'has a header that is not JSON', cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw invalid(fileName, 'has a header that is no JSON object');
  }
  return header as Record<string, unknown>;
}

function locate(entry: unknown, dataOffset: number, what: string): TensorLocation {
  const { dtype, shape, data_offsets: range } = (entry ?? {}) as Record<string, unknown>;
  const isValid =
    typeof dtype === 'string' && isCounts(shape) && isCounts(range) && range.length === 2 && range[0] <= range[1];
  if (!isValid) throw invalid(what, 'has a malformed header entry');
  return { dtype, shape, offset: dataOffset + range[0], numBytes: range[1] - range[0] };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

/** Reads `numBytes` at `offset` or throws `checkpoint_truncated`. */
export async function readExactly(file: FileHandle, offset: number, numBytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(numBytes);
  let numRead = 0;
  while (numRead < numBytes) {
    const { bytesRead } = await file.read(buffer, numRead, numBytes - numRead, offset + numRead);
    if (bytesRead === 0) throw truncated('file', offset + numRead, offset + numBytes);
    numRead += bytesRead;
  }
  return buffer;
}

function truncated(fileName: string, size: number, needed: number): ServingError {
  return new ServingError(
    'checkpoint_truncated',
    `${fileName} is truncated: it has ${size} bytes and its header promises ${needed}.`,
    { file: fileName, size, needed },
  );
}

function invalid(what: string, problem: string, cause?: unknown): ServingError {
  return new ServingError('checkpoint_invalid', `${what} ${problem}.`, { file: what }, { cause });
}
