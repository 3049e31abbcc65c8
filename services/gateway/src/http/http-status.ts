import { type ErrorCode, type ErrorReason, errorCatalogue } from '@tessera/domain';

const statusOfCode: Record<ErrorCode, number> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  RESOURCE_EXHAUSTED: 429,
  CANCELLED: 499,
  INTERNAL: 500,
  DATA_LOSS: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

/** Reasons for which HTTP has a more exact status than their code's. */
const statusOfReason: Partial<Record<ErrorReason, number>> = {
  body_too_large: 413,
  unsupported_content_type: 415,
  storage_full: 507,
  disk_full: 507,
};

/** HTTP status that answers a failure of this reason. */
export function httpStatusOf(reason: ErrorReason): number {
  return statusOfReason[reason] ?? statusOfCode[errorCatalogue[reason]];
}
