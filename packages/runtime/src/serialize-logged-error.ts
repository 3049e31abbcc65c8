import { ServingError } from '@tessera/domain';

/** What a log entry says of an error: message and stack; code, reason and facts of a ServingError; the causes. */
export function serializeLoggedError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  return {
    message: error.message,
    stack: error.stack,
    ...(error instanceof ServingError ? { code: error.code, reason: error.reason, facts: error.facts } : {}),
    ...(error.cause === undefined ? {} : { cause: serializeLoggedError(error.cause) }),
  };
}
