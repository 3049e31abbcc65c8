import { ServingError } from '@tessera/domain';

/** What a receiver answers to a message that breaks its contract; `field` is a path in the message. */
export function invalidField(field: string, expected: string, given: string | number): ServingError {
  return new ServingError('invalid_field', `${field}: expected ${expected}, given ${given}`, { field, given });
}

/** A field of message type that must be there. */
export function present<Value>(value: Value | undefined, field: string): Value {
  if (value === undefined) throw invalidField(field, 'a message', 'none');
  return value;
}
