import { type SerializedServingError, ServingError, serializeError } from '@tessera/domain';

/** An error on its way out of a worker thread, with the stack that it had there. */
export interface WorkerError extends SerializedServingError {
  readonly stack?: string;
}

export function serializeWorkerError(error: unknown): WorkerError {
  return { ...serializeError(error), stack: error instanceof Error ? error.stack : undefined };
}

/** The ServingError that it was; its cause has the stack of the worker thread. */
export function deserializeWorkerError({ reason, message, facts, stack }: WorkerError): ServingError {
  const cause = Object.assign(new Error(message), { stack });
  return new ServingError(reason, message, facts, stack === undefined ? undefined : { cause });
}
