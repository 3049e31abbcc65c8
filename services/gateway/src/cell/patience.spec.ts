import { ServingError } from '@tessera/domain';
import { describe, expect, it } from 'vitest';
import { Patience, pauseLimitMs } from './patience.js';

const never = new AbortController().signal;
const cause = new ServingError('worker_failed', 'no');
const day = 86_400_000;

describe('patience', () => {
  it('makes pauses of up to 100 ms, doubled each time, up to 2 s', () => {
    expect([0, 1, 2, 3, 4, 5, 50].map(pauseLimitMs)).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
  });

  it('ends with the error when the next attempt would come too late', async () => {
    const patience = new Patience({ resumeMs: 1000, deadlineMs: undefined, random: () => 1 });
    const pauses = [0, 1, 2, 3, 4].map(() => patience.pauseAfter(cause, AbortSignal.abort(new Error('skipped'))));
    const ends = await Promise.allSettled(pauses);
    expect(ends.map((end) => end.status === 'rejected' && end.reason.message)).toEqual([
      'skipped',
      'skipped',
      'skipped',
      'skipped',
      'no',
    ]);
  });

  it('makes a pause as long as is asked for, or ends when that is too long', async () => {
    const patience = new Patience({ resumeMs: 1000, deadlineMs: undefined, random: () => 0 });
    await expect(patience.pauseAfter(cause, AbortSignal.abort(new Error('skipped')), 900)).rejects.toThrow('skipped');
    await expect(patience.pauseAfter(cause, never, 1000)).rejects.toBe(cause);
  });

  it('begins anew when the request went on', async () => {
    const patience = new Patience({ resumeMs: 0, deadlineMs: undefined, random: () => 0 });
    expect(patience.remainingMs).toBe(0);
    await expect(patience.pauseAfter(cause, never)).rejects.toBe(cause);
    const lasting = new Patience({ resumeMs: day, deadlineMs: undefined, random: () => 0 });
    await lasting.pauseAfter(cause, never);
    lasting.restore();
    expect(lasting.remainingMs).toBe(day);
  });

  it('ends at the deadline, which is another error', async () => {
    const patience = new Patience({ resumeMs: day, deadlineMs: Date.now(), random: () => 0 });
    expect(patience.remainingMs).toBe(0);
    await expect(patience.pauseAfter(cause, never)).rejects.toMatchObject({ reason: 'deadline_exceeded', cause });
  });

  it('ends when the client leaves', async () => {
    const patience = new Patience({ resumeMs: day, deadlineMs: undefined, random: () => 1 });
    const client = new AbortController();
    const reason = new Error('the client left');
    const pause = patience.pauseAfter(cause, client.signal);
    client.abort(reason);
    await expect(pause).rejects.toBe(reason);
  });
});
