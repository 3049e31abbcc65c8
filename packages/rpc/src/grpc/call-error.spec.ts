import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { ServingError } from '@tessera/domain';
import { describe, expect, test } from 'vitest';
import { errorOf, type Peer, statusOf } from './call-error.js';

const peer: Peer = { address: 'encoder-1:7000', lostReason: 'worker_failed' };

/** A status as grpc-js throws it. */
const thrown = (sent: Partial<StatusObject>): ServiceError =>
  Object.assign(new Error(sent.details), { code: 2, details: '', metadata: new Metadata() }, sent);

const trailing = (json: object): Metadata => {
  const metadata = new Metadata();
  metadata.set('tessera-error-bin', Buffer.from(JSON.stringify(json)));
  return metadata;
};

describe('an error of a handler', () => {
  test('comes to the caller with reason, message and facts', () => {
    const error = new ServingError('queue_full', '10 requests wait; the limit is 10.', { limit: 10, given: 11 });
    const sent = statusOf(error);
    expect(sent).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: error.message });
    expect(errorOf(thrown(sent), peer)).toEqual(error);
  });

  test('is internal when it is no ServingError', () => {
    const sent = statusOf(new TypeError('not a function'));
    expect(sent.code).toBe(status.INTERNAL);
    expect(errorOf(thrown(sent), peer)).toMatchObject({ reason: 'internal', message: 'not a function' });
  });

  for (const reason of ['moon_full', 'toString']) {
    test(`is internal when its reason is of a later version: ${reason}`, () => {
      const metadata = trailing({ reason, message: 'The moon is full.', facts: {} });
      const error = { reason: 'internal', code: 'INTERNAL', message: 'The moon is full.' };
      expect(errorOf(thrown({ metadata }), peer)).toMatchObject(error);
    });
  }

  for (const broken of ['{"reason":', 'null', '[]']) {
    test(`is that of its status when what it carries cannot be read: ${broken}`, () => {
      const metadata = new Metadata();
      metadata.set('tessera-error-bin', Buffer.from(broken));
      const error = thrown({ metadata, code: status.UNAVAILABLE, details: 'gone' });
      expect(errorOf(error, peer)).toMatchObject({ reason: 'worker_failed', message: `${peer.address}: gone` });
    });
  }

  test('is cut to what fits into a trailer', () => {
    const sent = statusOf(new ServingError('internal', 'x'.repeat(1_000_000)));
    expect(errorOf(thrown(sent), peer).message).toBe('x'.repeat(4096));
  });

  test('may hold half a character', () => {
    const { details } = statusOf(new ServingError('internal', 'x\ud83d'));
    expect(encodeURI(details)).toBe('x%EF%BF%BD');
  });
});

describe('an error of the wire', () => {
  const { UNAVAILABLE, CANCELLED, DEADLINE_EXCEEDED, UNKNOWN, INTERNAL, RESOURCE_EXHAUSTED, UNIMPLEMENTED } = status;
  for (const [what, code, details, reason] of [
    ['nobody listens', UNAVAILABLE, 'No connection established', 'worker_failed'],
    ['the connection is lost', UNAVAILABLE, 'Connection dropped', 'worker_failed'],
    ['the peer tears it down', CANCELLED, 'Call cancelled', 'worker_failed'],
    ['the peer is silent', DEADLINE_EXCEEDED, 'Deadline exceeded after 5s', 'worker_failed'],
    ['the stream is reset', INTERNAL, 'Received RST_STREAM with code 2 (Internal server error)', 'worker_failed'],
    ['it says nothing', UNKNOWN, '', 'worker_failed'],
    ['a message is too large', RESOURCE_EXHAUSTED, 'Received message larger than max', 'internal'],
    ['the peer does not have the method', UNIMPLEMENTED, 'The server does not implement the method', 'internal'],
    ['a message cannot be read', INTERNAL, 'Error deserializing request', 'internal'],
  ] as const) {
    test(`is ${reason} and names the address when ${what}`, () => {
      const error = errorOf(thrown({ code, details }), peer);
      expect(error).toMatchObject({ reason, message: expect.stringContaining(`${peer.address}: `) });
      expect(error.message).toContain(details);
    });
  }

  test('is not_ready for those who wait for a scheduler', () => {
    const scheduler: Peer = { address: 'scheduler:7000', lostReason: 'not_ready' };
    expect(errorOf(thrown({ code: UNAVAILABLE }), scheduler)).toMatchObject({
      reason: 'not_ready',
      code: 'UNAVAILABLE',
      facts: { address: 'scheduler:7000' },
    });
  });
});

test('an error of the reader itself passes as it is', () => {
  const error = new ServingError('invalid_field', 'token_ids: expected more');
  expect(errorOf(error, peer)).toBe(error);
  expect(errorOf(new TypeError('not a function'), peer)).toMatchObject({ reason: 'internal' });
});
