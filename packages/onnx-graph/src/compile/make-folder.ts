import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it; one that is there already is fine. Throws what `mkdir` does. Its own `recursive`
 * option tries for ever where nothing can be made, such as below /proc.
 */
export async function makeFolder(dir: string): Promise<void> {
  const parent = dirname(dir);
  try {
    await makeOne(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === dir) throw error;
    await makeFolder(parent);
    await makeOne(dir);
  }
}

async function makeOne(dir: string): Promise<void> {
  try {
    await mkdir(dir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST' || !(await stat(dir)).isDirectory()) throw error;
  }
}
