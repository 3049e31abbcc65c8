import { describe, expect, test } from 'vitest';
import { deserializeError, type ErrorReason, errorCatalogue, ServingError, serializeError } from './serving-error.js';

describe('ServingError', () => {
  for (const [reason, code] of Object.entries(errorCatalogue)) {
    test(`has code ${code} for ${reason}`, () => {
      expect(new ServingError(reason as ErrorReason, 'message')).toMatchObject({ reason, code, name: 'ServingError' });
    });
  }

  test('keeps message, facts and cause', () => {
    const cause = new Error('disk');
    const error = new ServingError('storage_full', '5 files; the limit is 4.', { limit: 4, given: 5 }, { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ message: '5 files; the limit is 4.', facts: { limit: 4, given: 5 }, cause });
  });
});

describe('serializeError', () => {
  test('carries reason, message and facts through a structured clone', () => {
    const error = new ServingError('invalid_field', 'top_p must be above 0.', { field: 'top_p', given: 0 });
    const restored = deserializeError(structuredClone(serializeError(error)));
    expect(restored).toBeInstanceOf(ServingError);
    expect(restored).toEqual(error);
  });

  for (const [what, thrown, message] of [
    ['another error', new TypeError('not a function'), 'not a function'],
    ['a thrown text', 'broken', 'broken'],
    ['nothing', undefined, 'undefined'],
  ] as const) {
    test(`makes ${what} internal`, () => {
      expect(serializeError(thrown)).toEqual({ reason: 'internal', message, facts: {} });
    });
  }
});
