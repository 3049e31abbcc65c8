import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlobStore } from './blob-store.js';
import { createSpillingBlobStore } from './spilling-blob-store.js';

let parentDir: string;
let store: BlobStore;

beforeEach(async () => {
  parentDir = await mkdtemp(join(tmpdir(), 'tessera-spec-'));
  store = createSpillingBlobStore({ parentDir, maxInMemoryBytes: 8, maxBytes: 40 });
});
afterEach(async () => {
  await store.close();
  await rm(parentDir, { recursive: true });
});

const filesOnDisk = async () =>
  (await readdir(parentDir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;
const chunks = (...sizes: number[]) => sizes.map((size, i) => Buffer.alloc(size, i + 1));

describe('SpillingBlobStore', () => {
  for (const { where, sizes, numFiles } of [
    { where: 'in memory', sizes: [3, 5], numFiles: 0 },
    { where: 'on disk', sizes: [3, 5, 1, 7], numFiles: 1 },
  ]) {
    it(`keeps a blob of ${sizes.join(' + ')} bytes ${where} and tells its digest`, async () => {
      const whole = Buffer.concat(chunks(...sizes));
      const blob = await store.put(chunks(...sizes), 40);
      expect(blob).toMatchObject({ numBytes: whole.length, sha256: createHash('sha256').update(whole).digest('hex') });
      expect(await filesOnDisk()).toBe(numFiles);
      expect(whole.equals((await store.get(blob.blobId))!)).toBe(true);
    });
  }

  it('has nothing under a deleted id, and its room back', async () => {
    for (let i = 0; i < 5; i++) {
      const { blobId } = await store.put(chunks(30), 40);
      await store.delete(blobId);
      expect(await store.get(blobId)).toBeUndefined();
    }
    expect(await filesOnDisk()).toBe(0);
  });

  it('keeps nothing of a blob over its limit', async () => {
    await expect(store.put(chunks(9, 9, 9), 20)).rejects.toMatchObject({
      reason: 'body_too_large',
      facts: { limit: 20 },
    });
    expect(await filesOnDisk()).toBe(0);
    await store.put(chunks(40), 40);
  });

  it('keeps nothing of a blob that the store has no room for', async () => {
    await store.put(chunks(25), 40);
    await expect(store.put(chunks(9, 9), 40)).rejects.toMatchObject({ reason: 'storage_full', facts: { limit: 40 } });
    expect(await filesOnDisk()).toBe(1);
    await store.put(chunks(15), 40);
  });

  it('keeps nothing of a source that fails', async () => {
    async function* failing() {
      yield Buffer.alloc(30);
      throw new Error('gone');
    }
    await expect(store.put(failing(), 40)).rejects.toThrow('gone');
    await store.put(chunks(40), 40);
  });

  it('goes on when its directory is back', async () => {
    await rm(parentDir, { recursive: true });
    await expect(store.put(chunks(30), 40)).rejects.toMatchObject({ code: 'ENOENT' });
    await mkdir(parentDir);
    await store.put(chunks(30), 40);
    expect(await filesOnDisk()).toBe(1);
  });

  it('leaves nothing on disk when closed', async () => {
    await store.put(chunks(30), 40);
    await store.close();
    expect(await readdir(parentDir)).toEqual([]);
  });
});
