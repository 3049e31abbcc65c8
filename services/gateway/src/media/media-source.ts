import { setImmediate } from 'node:timers/promises';
import { ServingError } from '@tessera/domain';
import type { BlobStore } from '../files/blob-store.js';
import type { FileRegistry } from '../files/file-registry.js';

/** A picture's bytes as the client sent them, readable again and again until `release`. */
export interface MediaSource {
  /** In hex. */
  readonly sha256: string;
  readonly numBytes: number;
  read(): Promise<Uint8Array>;
  release(): Promise<void>;
}

/** Bytes that are hashed and stored in one turn of the event loop: about a millisecond. */
const sliceBytes = 2 ** 20;

/** A source of the request's own bytes; the store hashes them, and keeps large ones on disk. */
export async function createInlineSource(bytes: Uint8Array, blobs: BlobStore, field: string): Promise<MediaSource> {
  const { blobId, numBytes, sha256 } = await blobs.put(slicesOf(bytes), bytes.length);
  return {
    sha256,
    numBytes,
    read: async () => {
      const kept = await blobs.get(blobId);
      if (kept === undefined)
        throw new ServingError('internal', `${field}: its bytes were dropped before the request ended`, { field });
      return kept;
    },
    release: () => blobs.delete(blobId),
  };
}

/** A source that is an uploaded file; deleting the file meanwhile does not take it away. */
export function createFileSource(fileId: string, files: FileRegistry, field: string): MediaSource {
  const { blob, read, release } = files.hold(fileId, field);
  return { sha256: blob.sha256, numBytes: blob.numBytes, read, release };
}

async function* slicesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += sliceBytes) {
    if (start > 0) await setImmediate();
    yield bytes.subarray(start, start + sliceBytes);
  }
}
