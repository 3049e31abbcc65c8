import { ServingError } from '@tessera/domain';

/** Names a full disk or quota as `disk_full`; returns everything else as it is. */
export function diskError(error: unknown): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new ServingError(
    'disk_full',
    'The disk is full: the engine was not written. Free some space or choose another place with --engine-cache.',
    { path },
    { cause: error },
  );
}
