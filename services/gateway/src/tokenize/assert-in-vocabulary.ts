import { ServingError } from '@tessera/domain';

/**
 * ServingError `invalid_field` for an id that no token has. The embedding table may have more rows than the tokenizer
 * has tokens (`numTokens`); the rest are padding and are never sampled.
 */
export function assertInVocabulary(id: number, numTokens: number, field: string): void {
  if (id < numTokens) return;
  throw new ServingError('invalid_field', `${field}: token ${id} is outside the vocabulary of ${numTokens} tokens`, {
    field,
    limit: numTokens,
  });
}
