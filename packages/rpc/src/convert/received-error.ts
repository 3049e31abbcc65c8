import { type ErrorFacts, type ErrorReason, errorCatalogue, ServingError } from '@tessera/domain';

type JsonObject = Readonly<Record<string, unknown>>;

/** The error that another process sent: a reason of a later version becomes `internal`, without facts there are none. */
export function receivedError({ reason, message, facts = {} }: JsonObject): ServingError {
  return new ServingError(isReason(reason) ? reason : 'internal', String(message), facts as ErrorFacts);
}

/** Undefined for what is no object in JSON. */
export function parseJsonObject(json: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

function isReason(reason: unknown): reason is ErrorReason {
  return typeof reason === 'string' && Object.hasOwn(errorCatalogue, reason);
}
