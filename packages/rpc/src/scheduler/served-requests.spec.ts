import { once } from 'node:events';
import { create } from '@bufbuild/protobuf';
import type { Scheduler } from '@tessera/domain';
import { GenerateRequestSchema, type RequestEventSchema } from '@tessera/proto/scheduler/v1';
import { createRequest } from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { requestToProto } from '../convert/request.js';
import type { Sent } from '../grpc/service-definition.js';
import { EventOutbox } from './event-outbox.js';
import { ServedRequests } from './served-requests.js';

describe('the requests of a caller', () => {
  let said: Sent<typeof RequestEventSchema>[];
  let numAborted: number;
  let requests: ServedRequests;
  beforeEach(() => {
    said = [];
    numAborted = 0;
    const scheduler: Scheduler = {
      async *generate(_request, signal) {
        yield { kind: 'started', numCachedTokens: 0 };
        if (!signal.aborted) await once(signal, 'abort');
        numAborted++;
      },
    };
    const outbox = new EventOutbox(async (events) => void said.push(...events));
    requests = new ServedRequests(scheduler, outbox, () => {});
  });

  const start = (callId: bigint) =>
    create(GenerateRequestSchema, { callId, command: { case: 'request', value: requestToProto(createRequest()) } });
  const cancel = (callId: bigint) => create(GenerateRequestSchema, { callId, command: { case: 'cancel', value: {} } });
  const casesOf = (callId: bigint) => said.filter((event) => event.callId === callId).map(({ event }) => event?.case);

  test('are cancelled one by one, and nothing more is said of one', async () => {
    requests.take(start(1n));
    requests.take(start(2n));
    requests.take(cancel(1n));
    requests.take(cancel(7n));
    await requests.end();
    expect(numAborted).toBe(2);
    expect(casesOf(7n)).toEqual([]);
    expect([...casesOf(1n), ...casesOf(2n)]).not.toContain('failure');
  });

  for (const [title, message] of [
    ['without a command', () => create(GenerateRequestSchema, { callId: 3n })],
    ['with a number that is in use', () => start(3n)],
  ] as const) {
    test(`are not disturbed by one ${title}`, async () => {
      if (title.startsWith('with a')) requests.take(start(3n));
      requests.take(start(1n));
      requests.take(message());
      await requests.end();
      expect(casesOf(3n)).toContain('failure');
      expect(casesOf(1n)).not.toContain('failure');
    });
  }
});
