import { ServingError } from '@tessera/domain';

/** The result, or the reason why there is none. */
export function orRefusal<Value>(compute: () => Value): Value | { readonly refused: string } {
  try {
    return compute();
  } catch (error) {
    if (error instanceof ServingError) return { refused: error.reason };
    throw error;
  }
}
