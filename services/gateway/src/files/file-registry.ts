import { randomUUID } from 'node:crypto';
import { ServingError } from '@tessera/domain';
import type { BlobStore, StoredBlob } from './blob-store.js';
import type { FilePurpose } from './file-schema.js';

/** An uploaded file: what clients are told of it, and the blob behind it. */
export interface UploadedFile {
  readonly fileId: string;
  readonly filename: string;
  readonly purpose: FilePurpose;
  readonly createdUnixSeconds: number;
  readonly blob: StoredBlob;
}

/** A file's bytes, readable until `release`, which is called once, whether or not the file is deleted meanwhile. */
export interface HeldFile {
  readonly blob: StoredBlob;
  read(): Promise<Uint8Array>;
  release(): Promise<void>;
}

/** Uploaded files by id, oldest first. They live until deleted or the server stops. */
export class FileRegistry {
  readonly #files = new Map<string, UploadedFile>();
  /** Holders of each blob that is held. */
  readonly #numHolders = new Map<string, number>();

  constructor(private readonly blobs: BlobStore) {}

  add(file: Omit<UploadedFile, 'fileId'>): UploadedFile {
    const added = { ...file, fileId: `file-${randomUUID().replaceAll('-', '')}` };
    this.#files.set(added.fileId, added);
    return added;
  }

  list(): UploadedFile[] {
    return [...this.#files.values()];
  }

  /** ServingError `file_not_found`, naming the `field` that asked for it when there is one. */
  get(fileId: string, field?: string): UploadedFile {
    const file = this.#files.get(fileId);
    if (file === undefined) throw notFound(fileId, field);
    return file;
  }

  async read(fileId: string, field?: string): Promise<Uint8Array> {
    return this.#readBlob(fileId, this.get(fileId, field).blob, field);
  }

  /** ServingError `file_not_found`, naming the `field` that asked for it. */
  hold(fileId: string, field: string): HeldFile {
    const { blob } = this.get(fileId, field);
    const { blobId } = blob;
    this.#numHolders.set(blobId, (this.#numHolders.get(blobId) ?? 0) + 1);
    return {
      blob,
      read: () => this.#readBlob(fileId, blob, field),
      release: async () => {
        const numHolders = this.#numHolders.get(blobId)! - 1;
        if (numHolders > 0) this.#numHolders.set(blobId, numHolders);
        else this.#numHolders.delete(blobId);
        if (numHolders === 0 && !this.#files.has(fileId)) await this.blobs.delete(blobId);
      },
    };
  }

  /** Its bytes go once nobody holds them. */
  async delete(fileId: string): Promise<void> {
    const { blob } = this.get(fileId);
    this.#files.delete(fileId);
    if (!this.#numHolders.has(blob.blobId)) await this.blobs.delete(blob.blobId);
  }

  async #readBlob(fileId: string, { blobId }: StoredBlob, field?: string): Promise<Uint8Array> {
    const bytes = await this.blobs.get(blobId);
    if (bytes === undefined) throw notFound(fileId, field);
    return bytes;
  }
}

function notFound(fileId: string, field: string | undefined): ServingError {
  return new ServingError('file_not_found', `there is no file ${fileId}`, field === undefined ? {} : { field });
}
