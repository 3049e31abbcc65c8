import type { MessageInitShape } from '@bufbuild/protobuf';
import { type ServingError, serializeError } from '@tessera/domain';
import type * as wire from '@tessera/proto/common/v1';
import { parseJsonObject, receivedError } from './received-error.js';

/** Why something failed; what is no ServingError is `internal` outside. */
export function failureToProto(error: unknown): MessageInitShape<typeof wire.FailureSchema> {
  const { reason, message, facts } = serializeError(error);
  return { reason, message, factsJson: JSON.stringify(facts) };
}

/** The error that it was, whatever version of the other side sent it. */
export function failureFromProto({ reason, message, factsJson }: wire.Failure): ServingError {
  return receivedError({ reason, message, facts: parseJsonObject(factsJson) });
}
