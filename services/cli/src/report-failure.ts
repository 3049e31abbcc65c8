import { ServingError } from '@tessera/domain';

/** Tells on standard error why a command failed: a refusal in its own sentence, a bug with where it is. */
export function reportFailure(error: unknown): void {
  console.error(error instanceof ServingError ? `tessera: ${error.message}` : error);
}
