import { ServingError } from '@tessera/domain';

/** What requests are told when the server stops: elsewhere, or soon here again, they will be answered. */
export function shuttingDown(): ServingError {
  return new ServingError('shutting_down', 'the server is shutting down', { retryAfterSeconds: 1 });
}
