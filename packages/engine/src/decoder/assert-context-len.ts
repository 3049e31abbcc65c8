import { ServingError } from '@tessera/domain';

/** Throws `invalid_option` when a decoder takes less than was asked for, as it does where model or cache end before. */
export function assertContextLen(asked: number | undefined, limit: number): void {
  if (asked === undefined || asked <= limit) return;
  const message = `--max-context-len ${asked} is above ${limit}, what the model and the KV cache allow.`;
  throw new ServingError('invalid_option', message, { limit, given: asked });
}
