import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from '@tessera/domain';
import { formatQuantity } from '@tessera/runtime';

/**
 * Runs `fill` on a folder that is new or empty and has room for `numBytes`; when it fails, everything in the folder is
 * removed again. Throws `invalid_option` for a folder that is in use and `disk_full`.
 */
export async function fillEmptyFolder(dir: string, numBytes: number, fill: () => Promise<void>): Promise<void> {
  const created = await makeFolder(dir);
  await assertEmpty(dir);
  try {
    await assertRoom(dir, numBytes);
    await fill();
  } catch (error) {
    for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true, force: true });
    if (created) await rm(created, { recursive: true, force: true });
    throw diskError(error, dir, numBytes);
  }
}

/** The first folder that had to be made, or undefined when all were there. */
async function makeFolder(dir: string): Promise<string | undefined> {
  try {
    return await mkdir(dir, { recursive: true });
  } catch (cause) {
    if (!['EEXIST', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
    throw new ServingError('invalid_option', `${dir} is a file, not a folder.`, { dir }, { cause });
  }
}

async function assertEmpty(dir: string): Promise<void> {
  const names = await readdir(dir);
  if (names.length === 0) return;
  throw new ServingError(
    'invalid_option',
    `${dir} is not empty: it has ${names.length} entries, such as ${names[0]}.`,
    {
      dir,
    },
  );
}

async function assertRoom(dir: string, numBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  const freeBytes = bavail * bsize;
  if (freeBytes >= numBytes) return;
  const needed = formatQuantity(numBytes, 'bytes');
  throw new ServingError(
    'disk_full',
    `The checkpoint takes ${needed} and only ${formatQuantity(freeBytes, 'bytes')} are free in ${dir}.`,
    { dir, neededBytes: numBytes, freeBytes },
  );
}

function diskError(error: unknown, dir: string, numBytes: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new ServingError(
    'disk_full',
    `The disk is full: of the ${formatQuantity(numBytes, 'bytes')} of the checkpoint nothing was kept in ${dir}.`,
    { dir, neededBytes: numBytes },
    { cause: error },
  );
}
