import type { ServingError } from '@tessera/domain';
import { httpStatusOf } from './http-status.js';

/** OpenAI's error shape: `param` is the path of the offending field, `code` the reason of the error catalogue. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

export function errorBody(error: ServingError): ErrorBody {
  return {
    error: {
      message: error.message,
      type: errorType(httpStatusOf(error.reason)),
      param: error.facts.field ?? null,
      code: error.reason,
    },
  };
}

function errorType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}
