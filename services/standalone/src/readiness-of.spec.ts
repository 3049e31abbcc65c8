import { ServingError } from '@tessera/domain';
import { expect, it } from 'vitest';
import { readinessOf } from './readiness-of.js';

const [scheduler, decoder] = [{ failure: undefined }, { failure: undefined }];

it('the server is ready while every part of it works', () => {
  expect(readinessOf([scheduler, decoder])).toEqual({ ready: true });
});

it('the server is not ready once any part has failed, and says why', () => {
  const encoder = { failure: new ServingError('worker_failed', 'The engine thread ended.') };
  expect(readinessOf([scheduler, encoder, decoder])).toEqual({ ready: false, reason: 'The engine thread ended.' });
});
