import { ServingError } from '@tessera/domain';

/** The refusal of a request whose body was left out, with or without a content type. */
export function emptyBody(): ServingError {
  return new ServingError('invalid_json', 'the body is empty; it must be a JSON object');
}
