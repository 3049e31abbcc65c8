import { type SchedulerEvent, ServingError } from '@tessera/domain';
import { createRequest } from '@tessera/testkit';
import { describe, expect, it } from 'vitest';
import { tinyModel, untilAborted } from '../testing/scripted-scheduler.js';
import type { Leader } from './cell.js';
import { type AnswerEvent, runAttempt, type Upload, type UploadOrder } from './run-attempt.js';

const never = new AbortController().signal;
const request = createRequest();
const started: SchedulerEvent = { kind: 'started', numCachedTokens: 0 };
const order = (mediaIndex: number, ticket: string): UploadOrder => ({
  kind: 'encodeHere',
  mediaIndex,
  encoderAddress: 'encoder',
  ticket,
});

/** A leader that says these events and then nothing more until it is left. */
function leaderSaying(...events: readonly SchedulerEvent[]): Leader {
  return {
    address: 'leader',
    model: tinyModel,
    waitingFor: undefined,
    deposed: never,
    scheduler: {
      async *generate(_request, signal) {
        yield* events;
        await untilAborted(signal);
      },
    },
  };
}

/** Uploads that come to no end by themselves, by ticket. */
function heldUploads() {
  const wanted = new Map<string, AbortSignal>();
  const fail = new Map<string, (error: Error) => void>();
  const upload: Upload = ({ ticket }, signal) => {
    wanted.set(ticket, signal);
    return new Promise((_resolve, reject) => fail.set(ticket, reject));
  };
  const stillWanted = () => [...wanted].filter(([, signal]) => !signal.aborted).map(([ticket]) => ticket);
  return { upload, stillWanted, fail: (ticket: string, error: Error) => fail.get(ticket)!(error) };
}

describe('an attempt', () => {
  it('has its uploads made beside, the last of each picture, until it ends', async () => {
    const { upload, stillWanted } = heldUploads();
    const leader = leaderSaying(order(0, 'a'), order(1, 'b'), started, order(0, 'c'), started);
    const seen: AnswerEvent[] = [];
    for await (const event of runAttempt(leader, request, upload, never)) {
      seen.push(event);
      if (seen.length === 1) expect(stillWanted()).toEqual(['a', 'b']);
      if (seen.length < 2) continue;
      expect(stillWanted()).toEqual(['b', 'c']);
      break;
    }
    expect(seen).toEqual([started, started]);
    expect(stillWanted()).toEqual([]);
  });

  it('ends with the error of an upload that failed', async () => {
    const { upload, stillWanted, fail } = heldUploads();
    const attempt = runAttempt(leaderSaying(order(0, 'a'), order(1, 'b'), started), request, upload, never);
    await attempt.next();
    const error = new ServingError('worker_failed', 'the encoder is lost');
    fail('b', error);
    await expect(attempt.next()).rejects.toBe(error);
    expect(stillWanted()).toEqual([]);
  });

  it('wants no upload any more once there are tokens, but those asked for later', async () => {
    const { upload, stillWanted, fail } = heldUploads();
    const tokens: SchedulerEvent = { kind: 'tokens', tokens: [{ tokenId: 1, outputIndex: 0 }] };
    const attempt = runAttempt(leaderSaying(order(0, 'a'), tokens, order(0, 'b'), tokens), request, upload, never);
    await attempt.next();
    expect(stillWanted()).toEqual([]);
    fail('a', new ServingError('worker_failed', 'the encoder is lost'));
    await expect(attempt.next()).resolves.toMatchObject({ value: tokens });
    await attempt.return(undefined);
  });

  it('goes on when an upload fails that is asked for elsewhere', async () => {
    const { upload, fail } = heldUploads();
    const leader = leaderSaying(order(0, 'a'), order(0, 'b'), started);
    const attempt = runAttempt(leader, request, upload, never);
    await attempt.next();
    fail('a', new Error('nobody minds'));
    await new Promise(setImmediate);
    const error = new ServingError('media_undecodable', 'it ends in row 3');
    fail('b', error);
    await expect(attempt.next()).rejects.toBe(error);
  });
});
