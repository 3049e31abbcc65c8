import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { makeFolder } from './make-folder.js';

describe('makeFolder', () => {
  it('makes the folders above too, and is content with one that is there', async () => {
    const dir = join(await temporaryFolder(), 'a', 'b', 'c');
    await makeFolder(dir);
    await makeFolder(dir);
    expect((await stat(dir)).isDirectory()).toBe(true);
  });

  it('makes the same folders several times at once', async () => {
    const dir = join(await temporaryFolder(), 'a', 'b');
    await Promise.all(Array.from({ length: 4 }, () => makeFolder(dir)));
    expect((await stat(dir)).isDirectory()).toBe(true);
  });

  it('refuses a file in the way, and below one', async () => {
    const file = join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    await expect(makeFolder(file)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolder(join(file, 'a'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('gives up where no folder can be made', async () => {
    await expect(makeFolder('/proc/tessera/engines')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
