import { readdir } from 'node:fs/promises';
import { ServingError } from '@tessera/domain';

/** ServingError `invalid_option` unless `dir` is a folder with something to compare. */
export async function assertGoldenFolder(dir: string): Promise<void> {
  const names = await readdir(dir).catch((cause: NodeJS.ErrnoException) => {
    const problem = cause.code === 'ENOENT' ? 'there is no such folder' : 'it is not a folder that can be read';
    throw new ServingError('invalid_option', `${dir}: ${problem}.`, {}, { cause });
  });
  if (names.includes('cases') || names.includes('unit')) return;
  const message = `${dir}: no reference data here; it would be in the folders cases and unit, with checkpoints and media.`;
  throw new ServingError('invalid_option', message);
}
