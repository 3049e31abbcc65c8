import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import type { BlobStore } from './blob-store.js';
import { FileRegistry } from './file-registry.js';
import { createSpillingBlobStore } from './spilling-blob-store.js';

let blobs: BlobStore;
afterEach(() => blobs.close());

async function addFile() {
  blobs = createSpillingBlobStore({ parentDir: tmpdir(), maxInMemoryBytes: 64, maxBytes: 64 });
  const files = new FileRegistry(blobs);
  const blob = await blobs.put([Buffer.from('picture')], 64);
  const { fileId } = files.add({ filename: 'a.png', purpose: 'vision', createdUnixSeconds: 0, blob });
  return { files, fileId, blobId: blob.blobId };
}

describe('a file that is held', () => {
  it('is readable after it was deleted, until the last one lets it go', async () => {
    const { files, fileId, blobId } = await addFile();
    const [first, second] = [files.hold(fileId, 'f'), files.hold(fileId, 'f')];
    await files.delete(fileId);
    expect(() => files.hold(fileId, 'f')).toThrow(`there is no file ${fileId}`);
    await first.release();
    expect(Buffer.from(await second.read()).toString()).toBe('picture');
    await second.release();
    expect(await blobs.get(blobId)).toBeUndefined();
  });

  it('outlives who held it', async () => {
    const { files, fileId } = await addFile();
    await files.hold(fileId, 'f').release();
    expect(Buffer.from(await files.read(fileId)).toString()).toBe('picture');
  });

  it('is gone at once when nobody holds it', async () => {
    const { files, fileId, blobId } = await addFile();
    await files.hold(fileId, 'f').release();
    await files.delete(fileId);
    expect(await blobs.get(blobId)).toBeUndefined();
  });
});
