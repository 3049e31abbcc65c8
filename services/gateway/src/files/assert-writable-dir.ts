import { accessSync, constants, statSync } from 'node:fs';
import { ServingError } from '@tessera/domain';

/** ServingError `invalid_option` unless `dir` is a directory in which files can be made. */
export function assertWritableDir(dir: string, option: string): void {
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const message = `${option} ${dir} must be an existing directory that can be written to.`;
    throw new ServingError('invalid_option', message, { option }, { cause });
  }
  if (!statSync(dir).isDirectory()) {
    throw new ServingError('invalid_option', `${option} ${dir} is a file; it must be a directory.`, { option });
  }
}
