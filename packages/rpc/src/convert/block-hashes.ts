import { type BlockHash, blockHash } from '@tessera/domain';
import { invalidField } from './invalid-field.js';

const hashBytes = 32;

/** A hash as the wire has it: 32 bytes. */
export function bytesOfHash(hash: BlockHash): Uint8Array {
  return bytesOfHashes([hash]);
}

/** Hashes one after the other. */
export function bytesOfHashes(hashes: readonly BlockHash[]): Uint8Array {
  const bytes = Buffer.from(hashes.join(''), 'hex');
  if (bytes.length !== hashes.length * hashBytes) {
    throw new Error(`${hashes.length} hashes are ${bytes.length} bytes, not ${hashBytes} each: ${hashes.join(' ')}`);
  }
  return bytes;
}

export function hashOf(bytes: Uint8Array, field: string): BlockHash {
  if (bytes.length !== hashBytes) throw invalidField(field, `${hashBytes} bytes`, bytes.length);
  return hexOf(bytes);
}

export function hashesOf(bytes: Uint8Array, field: string): BlockHash[] {
  if (bytes.length % hashBytes !== 0) throw invalidField(field, `${hashBytes} bytes a hash`, bytes.length);
  return Array.from({ length: bytes.length / hashBytes }, (_, index) =>
    hexOf(bytes.subarray(index * hashBytes, (index + 1) * hashBytes)),
  );
}

function hexOf(bytes: Uint8Array): BlockHash {
  return blockHash(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex'));
}
