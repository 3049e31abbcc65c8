import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  deserializeError,
  type ErrorFacts,
  type ErrorReason,
  errorCatalogue,
  type ServingError,
  serializeError,
} from '@tessera/domain';
import type * as wire from '@tessera/proto/decoder/v1';

/** Why a command failed; what is no ServingError is `internal` outside. */
export function failureToProto(error: unknown): MessageInitShape<typeof wire.FailureSchema> {
  const { reason, message, facts } = serializeError(error);
  return { reason, message, factsJson: JSON.stringify(facts) };
}

/** The error that it was; a reason of a later version becomes `internal`. */
export function failureFromProto({ reason, message, factsJson }: wire.Failure): ServingError {
  const isKnown = Object.hasOwn(errorCatalogue, reason);
  return deserializeError({
    reason: isKnown ? (reason as ErrorReason) : 'internal',
    message,
    facts: JSON.parse(factsJson) as ErrorFacts,
  });
}
