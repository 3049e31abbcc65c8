/** A stored blob: its id, size and the SHA-256 of its bytes, in hex. */
export interface StoredBlob {
  readonly blobId: string;
  readonly numBytes: number;
  readonly sha256: string;
}

/** Bytes kept under ids that the store gives out, within a bound on their sum. */
export interface BlobStore {
  /**
   * Keeps all of `source`. ServingError `body_too_large` when it is longer than `maxBytes`, `storage_full` when the store
   * has no room for it; then nothing is kept.
   */
  put(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, maxBytes: number): Promise<StoredBlob>;
  /** The blob's bytes, undefined when it was deleted. */
  get(blobId: string): Promise<Uint8Array | undefined>;
  delete(blobId: string): Promise<void>;
  /** Deletes everything. */
  close(): Promise<void>;
}
