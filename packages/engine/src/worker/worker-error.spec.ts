import { ServingError } from '@tessera/domain';
import { describe, expect, test } from 'vitest';
import { deserializeWorkerError, serializeWorkerError } from './worker-error.js';

const passOn = (error: unknown): ServingError => deserializeWorkerError(structuredClone(serializeWorkerError(error)));

describe('an error of a worker thread', () => {
  test('is the same ServingError outside, caused by what happened there', () => {
    const thrown = new ServingError('media_too_large', 'Too large.', { limit: 4 });
    const received = passOn(thrown);
    expect(received).toMatchObject({ reason: 'media_too_large', message: 'Too large.', facts: { limit: 4 } });
    expect((received.cause as Error).stack).toBe(thrown.stack);
  });

  test('keeps the stack of what was no ServingError', () => {
    const thrown = new TypeError('x is not a function');
    const received = passOn(thrown);
    expect(received).toMatchObject({ reason: 'internal', message: 'x is not a function' });
    expect((received.cause as Error).stack).toBe(thrown.stack);
  });

  test('has no cause when something without a stack was thrown', () => {
    const received = passOn('broken');
    expect(received).toMatchObject({ reason: 'internal', message: 'broken' });
    expect(received.cause).toBeUndefined();
  });
});
