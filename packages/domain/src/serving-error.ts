/** The closed set of gRPC status codes that a ServingError may carry. */
export type ErrorCode =
  | 'CANCELLED'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DATA_LOSS'
  | 'UNAUTHENTICATED';

/**
 * Every reason a request, a start or a compilation may fail for, with its status code. Reasons are stable: clients
 * match on them. `docs/errors.md` lists the same set, which a test asserts.
 */
export const errorCatalogue = {
  // The body of a request
  invalid_json: 'INVALID_ARGUMENT',
  invalid_utf8: 'INVALID_ARGUMENT',
  invalid_field: 'INVALID_ARGUMENT',
  unknown_field: 'INVALID_ARGUMENT',
  body_too_large: 'INVALID_ARGUMENT',
  unsupported_content_type: 'INVALID_ARGUMENT',
  unsupported_feature: 'INVALID_ARGUMENT',
  model_not_found: 'NOT_FOUND',
  route_not_found: 'NOT_FOUND',
  file_not_found: 'NOT_FOUND',
  context_length_exceeded: 'INVALID_ARGUMENT',
  // Media
  invalid_media_url: 'INVALID_ARGUMENT',
  invalid_base64: 'INVALID_ARGUMENT',
  unsupported_media_type: 'INVALID_ARGUMENT',
  media_undecodable: 'INVALID_ARGUMENT',
  media_too_large: 'INVALID_ARGUMENT',
  media_aspect_ratio: 'INVALID_ARGUMENT',
  too_many_images: 'INVALID_ARGUMENT',
  media_decode_timeout: 'DEADLINE_EXCEEDED',
  // Capacity and life cycle
  queue_full: 'RESOURCE_EXHAUSTED',
  storage_full: 'RESOURCE_EXHAUSTED',
  deadline_exceeded: 'DEADLINE_EXCEEDED',
  cancelled: 'CANCELLED',
  shutting_down: 'UNAVAILABLE',
  worker_failed: 'UNAVAILABLE',
  not_ready: 'UNAVAILABLE',
  not_leader: 'FAILED_PRECONDITION',
  epoch_refused: 'FAILED_PRECONDITION',
  quarantined: 'INTERNAL',
  // Checkpoints and engines
  checkpoint_not_found: 'NOT_FOUND',
  checkpoint_invalid: 'INVALID_ARGUMENT',
  checkpoint_truncated: 'DATA_LOSS',
  unsupported_model_type: 'INVALID_ARGUMENT',
  tensor_missing: 'INVALID_ARGUMENT',
  tensor_unused: 'INVALID_ARGUMENT',
  tensor_misshaped: 'INVALID_ARGUMENT',
  tensor_dtype: 'INVALID_ARGUMENT',
  tensor_parallel_degree: 'INVALID_ARGUMENT',
  engine_invalid: 'DATA_LOSS',
  disk_full: 'RESOURCE_EXHAUSTED',
  invalid_option: 'INVALID_ARGUMENT',
  server_not_found: 'NOT_FOUND',
  // Ours
  internal: 'INTERNAL',
} as const satisfies Record<string, ErrorCode>;

export type ErrorReason = keyof typeof errorCatalogue;

/** Typed facts beside the message: what was given, what the limit is, which field is meant. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | undefined>> & {
  /** Path of the offending field in the request body, such as `messages[0].content[1].image_url.url`. */
  readonly field?: string;
};

/** The one error class: `code` says what kind, `reason` what exactly, the message what was given and the limit. */
export class ServingError extends Error {
  readonly code: ErrorCode;
  readonly reason: ErrorReason;
  readonly facts: ErrorFacts;

  constructor(reason: ErrorReason, message: string, facts: ErrorFacts = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ServingError';
    this.reason = reason;
    this.code = errorCatalogue[reason];
    this.facts = facts;
  }
}

/** A ServingError as plain data, for a worker's message or a wire. */
export interface SerializedServingError {
  readonly reason: ErrorReason;
  readonly message: string;
  readonly facts: ErrorFacts;
}

/** Turns anything thrown into plain data; what is not a ServingError becomes `internal`. */
export function serializeError(error: unknown): SerializedServingError {
  if (error instanceof ServingError) return { reason: error.reason, message: error.message, facts: error.facts };
  return { reason: 'internal', message: error instanceof Error ? error.message : String(error), facts: {} };
}

export function deserializeError(error: SerializedServingError): ServingError {
  return new ServingError(error.reason, error.message, error.facts);
}
