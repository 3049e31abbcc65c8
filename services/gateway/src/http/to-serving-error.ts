import { type ErrorReason, ServingError } from '@tessera/domain';

/** Codes of Fastify, its multipart plugin and Node's streams and files, and what they mean here. */
const reasonOfFrameworkCode: Record<string, ErrorReason> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_content_type',
  FST_ERR_CTP_EMPTY_TYPE: 'unsupported_content_type',
  FST_INVALID_MULTIPART_CONTENT_TYPE: 'unsupported_content_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_REQ_FILE_TOO_LARGE: 'body_too_large',
  ENOSPC: 'storage_full',
  ECONNRESET: 'cancelled',
  ERR_STREAM_PREMATURE_CLOSE: 'cancelled',
};

/** Turns anything thrown while serving into a ServingError; what is nobody's fault but ours becomes `internal`. */
export function toServingError(thrown: unknown): ServingError {
  if (thrown instanceof ServingError) return thrown;
  const { code, statusCode, message } = Object(thrown) as { code?: unknown; statusCode?: unknown; message?: unknown };
  const reason = typeof code === 'string' ? reasonOfFrameworkCode[code] : undefined;
  if (reason !== undefined) return new ServingError(reason, String(message), {}, { cause: thrown });
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new ServingError('invalid_field', String(message), {}, { cause: thrown });
  }
  return new ServingError(
    'internal',
    'an internal error occurred; the log names it under this x-request-id',
    {},
    { cause: thrown },
  );
}
