import { ServingError } from '@tessera/domain';
import { expect, it } from 'vitest';
import { readinessOf } from './readiness-of.js';

const snapshot = {
  numPreparing: 0,
  numStagedEmbeddings: 0,
  numWaiting: 0,
  numRunning: 0,
  numFreePages: 4,
  numPages: 4,
  numFreeLanes: 1,
  failure: undefined,
};

it('the server is ready until its scheduler can run nothing any more', () => {
  expect(readinessOf({ snapshot })).toEqual({ ready: true });
  const failure = new ServingError('worker_failed', 'The engine thread ended.');
  expect(readinessOf({ snapshot: { ...snapshot, failure } })).toEqual({
    ready: false,
    reason: 'The engine thread ended.',
  });
});
