import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { ActiveRequests } from './active-requests.js';

it('tells of a failed clean-up, which nobody waits for any more', async () => {
  const failure = new Error('the disk is gone');
  const told = await new Promise((resolve) => {
    const response = new PassThrough();
    new ActiveRequests(resolve).begin(response).onEnd(() => Promise.reject(failure));
    response.destroy();
  });
  expect(told).toBe(failure);
});
