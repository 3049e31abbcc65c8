import { EventQueue, requestId } from '@tessera/domain';
import { createRequest, createVisualRequest } from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { Admission } from './admission.js';
import { Sequence } from './sequence.js';

const unbounded = { maxWaitingRequests: 100, maxWaitingTokens: 1000, maxWaitingPatches: 1000, maxWaitingBytes: 1000 };

/** A request of 7 tokens, 16 patches and 10 bytes. */
const visual = (order: number): Sequence =>
  new Sequence(
    createVisualRequest(['cat'], { requestId: requestId(`v${order}`), numMediaBytes: 10 }),
    new EventQueue(),
    order,
  );
/** A request of 3 tokens. */
const text = (order: number): Sequence => new Sequence(createRequest(), new EventQueue(), order);

describe('Admission', () => {
  let nowMs: number;
  const create = (given: Partial<typeof unbounded> = {}) => new Admission({ ...unbounded, ...given }, () => nowMs);
  beforeEach(() => {
    nowMs = 0;
  });

  for (const [bound, limit, unit, waiting] of [
    ['maxWaitingRequests', 2, 'requests', 2],
    ['maxWaitingTokens', 20, 'tokens', 14],
    ['maxWaitingPatches', 40, 'patches', 32],
    ['maxWaitingBytes', 25, 'bytes', 20],
  ] as const) {
    test(`takes two of three that together exceed ${bound}, and the third when one has left`, () => {
      const admission = create({ [bound]: limit });
      const [first, second, third] = [visual(0), visual(1), visual(2)] as const;
      admission.enter(first);
      admission.enter(second);
      const full = { reason: 'queue_full', facts: { unit, limit, waiting, retryAfterSeconds: 2 } };
      expect(() => admission.enter(third)).toThrow(expect.objectContaining(full));
      admission.leave(first);
      admission.enter(third);
      expect(admission.numWaiting).toBe(2);
    });
  }

  test('takes one that is alone above a bound, and beside it what adds nothing to it', () => {
    const admission = create({ maxWaitingPatches: 10 });
    admission.enter(visual(0));
    admission.enter(text(1));
    expect(() => admission.enter(visual(2))).toThrow('16 patches are waiting; the limit is 10.');
  });

  test('takes nobody when nobody may wait', () => {
    expect(() => create({ maxWaitingRequests: 0 }).enter(text(0))).toThrow('0 requests are waiting; the limit is 0.');
  });

  test('takes back what ran, whatever the bounds', () => {
    const admission = create({ maxWaitingRequests: 1 });
    const [running, waiting] = [text(0), text(1)];
    admission.enter(running);
    admission.leave(running);
    admission.enter(waiting);
    admission.comeBack(running);
    expect(admission.numWaiting).toBe(2);
  });

  test('counts nobody out twice, and nobody in', () => {
    const admission = create();
    const only = text(0);
    admission.enter(only);
    expect(() => admission.comeBack(only)).toThrow('request/0/0 waits already');
    admission.leave(only);
    admission.leave(only);
    expect(admission.numWaiting).toBe(0);
  });

  for (const [title, endsAtMs, atMs, retryAfterSeconds] of [
    ['a second for each that waits while none has ended', [], 0, 10],
    ['as long as the lately ended say', [0, 1000, 2000, 3000, 4000], 5000, 10],
    ['what a faster drain says', Array.from({ length: 50 }, (_, i) => i * 100), 5000, 1],
    ['nothing of what ended long ago', [0, 1, 2, 3], 60_000, 10],
    ['at most a minute', [0], 30_000, 60],
  ] as const) {
    test(`tells to come again after ${title}`, () => {
      const admission = create({ maxWaitingRequests: 10 });
      for (let order = 0; order < 10; order++) admission.enter(text(order));
      for (const endedAtMs of endsAtMs) {
        nowMs = endedAtMs;
        admission.recordEnd();
      }
      nowMs = atMs;
      expect(() => admission.enter(text(10))).toThrow(
        expect.objectContaining({ facts: expect.objectContaining({ retryAfterSeconds }) }),
      );
    });
  }
});
