import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { fillEmptyFolder } from './fill-empty-folder.js';

function failing(dir: string, error: Error): () => Promise<void> {
  return async () => {
    await mkdir(join(dir, 'sub'));
    await writeFile(join(dir, 'sub', 'half'), 'x');
    throw error;
  };
}

describe('fillEmptyFolder', () => {
  it('makes the folder and keeps what was written', async () => {
    const dir = join(await temporaryFolder(), 'a', 'b');
    await fillEmptyFolder(dir, 1, () => writeFile(join(dir, 'file'), 'x'));
    expect(await readdir(dir)).toEqual(['file']);
  });

  it('removes the folders that it made when writing fails', async () => {
    const parent = await temporaryFolder();
    const dir = join(parent, 'a', 'b');
    await expect(fillEmptyFolder(dir, 1, failing(dir, new Error('broken')))).rejects.toThrow('broken');
    expect(await readdir(parent)).toEqual([]);
  });

  it('leaves a folder that was there empty when writing fails', async () => {
    const dir = await temporaryFolder();
    await expect(fillEmptyFolder(dir, 1, failing(dir, new Error('broken')))).rejects.toThrow('broken');
    expect(await readdir(dir)).toEqual([]);
  });

  it('names a disk that fills up', async () => {
    const dir = await temporaryFolder();
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    await expect(fillEmptyFolder(dir, 1, failing(dir, full))).rejects.toMatchObject({ reason: 'disk_full' });
    expect(await readdir(dir)).toEqual([]);
  });

  it('asks for room before it writes', async () => {
    const dir = join(await temporaryFolder(), 'a');
    const neverCalled = () => Promise.reject(new Error('called'));
    await expect(fillEmptyFolder(dir, Number.MAX_SAFE_INTEGER, neverCalled)).rejects.toMatchObject({
      reason: 'disk_full',
      message: expect.stringMatching(/^The checkpoint takes 9007 TB and only .* are free in /),
    });
  });

  it('touches no folder that has something in it', async () => {
    const dir = await temporaryFolder();
    await writeFile(join(dir, 'thesis.txt'), 'x');
    await expect(fillEmptyFolder(dir, 1, failing(dir, new Error('broken')))).rejects.toMatchObject({
      reason: 'invalid_option',
      message: expect.stringContaining('such as thesis.txt'),
    });
    expect(await readdir(dir)).toEqual(['thesis.txt']);
  });

  it('refuses a file', async () => {
    const path = join(await temporaryFolder(), 'file');
    await writeFile(path, 'x');
    await expect(fillEmptyFolder(path, 1, async () => {})).rejects.toMatchObject({ reason: 'invalid_option' });
  });
});
