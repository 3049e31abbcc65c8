import { ServingError } from '@tessera/domain';

/** Throws ServingError `checkpoint_invalid` with the message, which names file and field, unless the condition holds. */
export function assertCheckpoint(isValid: boolean, message: string): void {
  if (!isValid) throw new ServingError('checkpoint_invalid', message);
}
