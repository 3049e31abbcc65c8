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

/** Uploaded files by id, oldest first. They live until deleted or the server stops. */
export class FileRegistry {
  readonly #files = new Map<string, UploadedFile>();

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
    const bytes = await this.blobs.get(this.get(fileId, field).blob.blobId);
    if (bytes === undefined) throw notFound(fileId, field);
    return bytes;
  }

  async delete(fileId: string): Promise<void> {
    const { blob } = this.get(fileId);
    this.#files.delete(fileId);
    await this.blobs.delete(blob.blobId);
  }
}

function notFound(fileId: string, field: string | undefined): ServingError {
  return new ServingError('file_not_found', `there is no file ${fileId}`, field === undefined ? {} : { field });
}
