import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from '@tessera/domain';
import type { BlobStore, StoredBlob } from './blob-store.js';

export interface SpillingBlobStoreOptions {
  /** A directory of its own is made in here for blobs on disk, when the first one comes. */
  readonly parentDir: string;
  /** Largest blob kept in memory. */
  readonly maxInMemoryBytes: number;
  /** Bytes of all blobs together. */
  readonly maxBytes: number;
}

type Content = { readonly inMemory: Uint8Array } | { readonly path: string };

/** A BlobStore that keeps small blobs in memory and large ones on disk, until it is closed. */
export function createSpillingBlobStore(options: SpillingBlobStoreOptions): BlobStore {
  return new SpillingBlobStore(options);
}

class SpillingBlobStore implements BlobStore {
  readonly #contents = new Map<string, { readonly content: Content; readonly numBytes: number }>();
  #numUsedBytes = 0;
  #directory: Promise<string> | undefined;

  constructor(private readonly options: SpillingBlobStoreOptions) {}

  async put(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, maxBytes: number): Promise<StoredBlob> {
    const blobId = randomUUID();
    const hash = createHash('sha256');
    const writer = new SpillingWriter(this.options.maxInMemoryBytes, () => this.#pathOf(blobId));
    try {
      for await (const chunk of source) {
        this.#reserve(chunk.length);
        writer.numBytes += chunk.length;
        if (writer.numBytes > maxBytes) throw tooLarge(maxBytes);
        hash.update(chunk);
        await writer.write(chunk);
      }
      this.#contents.set(blobId, { content: await writer.finish(), numBytes: writer.numBytes });
      return { blobId, numBytes: writer.numBytes, sha256: hash.digest('hex') };
    } catch (error) {
      this.#numUsedBytes -= writer.numBytes;
      await writer.discard();
      throw error;
    }
  }

  async get(blobId: string): Promise<Uint8Array | undefined> {
    const content = this.#contents.get(blobId)?.content;
    if (content === undefined) return undefined;
    return 'path' in content ? readFile(content.path) : content.inMemory;
  }

  async delete(blobId: string): Promise<void> {
    const blob = this.#contents.get(blobId);
    if (blob === undefined) return;
    this.#contents.delete(blobId);
    this.#numUsedBytes -= blob.numBytes;
    if ('path' in blob.content) await rm(blob.content.path, { force: true });
  }

  async close(): Promise<void> {
    this.#contents.clear();
    this.#numUsedBytes = 0;
    if (this.#directory !== undefined) await rm(await this.#directory, { recursive: true, force: true });
  }

  #reserve(numBytes: number): void {
    const { maxBytes } = this.options;
    if (this.#numUsedBytes + numBytes > maxBytes) {
      const facts = { limit: maxBytes, used: this.#numUsedBytes };
      throw new ServingError('storage_full', `files take ${facts.used} of ${maxBytes} bytes; delete some`, facts);
    }
    this.#numUsedBytes += numBytes;
  }

  async #pathOf(blobId: string): Promise<string> {
    this.#directory ??= mkdtemp(join(this.options.parentDir, 'tessera-files-')).catch((error: unknown) => {
      this.#directory = undefined;
      throw error;
    });
    return join(await this.#directory, blobId);
  }
}

/** Collects one blob's chunks in memory, and moves them to a file when they outgrow it. */
class SpillingWriter {
  numBytes = 0;
  #chunks: Uint8Array[] = [];
  #file: { readonly handle: Awaited<ReturnType<typeof open>>; readonly path: string } | undefined;

  constructor(
    private readonly maxInMemoryBytes: number,
    private readonly makePath: () => Promise<string>,
  ) {}

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#file === undefined && this.numBytes <= this.maxInMemoryBytes) {
      this.#chunks.push(chunk);
      return;
    }
    const path = this.#file?.path ?? (await this.makePath());
    this.#file ??= { handle: await open(path, 'wx', 0o600), path };
    for (const waiting of this.#chunks.splice(0)) await this.#file.handle.appendFile(waiting);
    await this.#file.handle.appendFile(chunk);
  }

  async finish(): Promise<Content> {
    if (this.#file === undefined) return { inMemory: Buffer.concat(this.#chunks) };
    await this.#file.handle.close();
    return { path: this.#file.path };
  }

  async discard(): Promise<void> {
    this.#chunks = [];
    if (this.#file === undefined) return;
    await this.#file.handle.close();
    await rm(this.#file.path, { force: true });
  }
}

function tooLarge(maxBytes: number): ServingError {
  return new ServingError('body_too_large', `the file is larger than the limit of ${maxBytes} bytes`, {
    limit: maxBytes,
  });
}
