import { invalidField } from './invalid-field.js';

/** The number of a uint64 field, which JavaScript counts exactly below 2^53. */
export function safeIntegerOf(value: bigint, field: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidField(field, 'less than 2^53', value.toString());
  return Number(value);
}
