import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Peer } from './call-error.js';
import { watchCall } from './watch-call.js';
import { acceptDeadlineMs } from './wire-options.js';

const peer: Peer = { address: 'decoder:7000', lostReason: 'worker_failed' };

class FakeCall extends EventEmitter {
  readonly cancel = vi.fn();
}

describe('watchCall', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  test('gives up a peer that does not take the call', () => {
    const call = new FakeCall();
    const watched = watchCall(call, peer, undefined);
    vi.advanceTimersByTime(acceptDeadlineMs - 1);
    expect(call.cancel).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(call.cancel).toHaveBeenCalledOnce();
    expect(watched.errorOf(new Error('Cancelled on client'))).toMatchObject({
      reason: 'worker_failed',
      message: `decoder:7000: did not take the call within ${acceptDeadlineMs} ms`,
    });
  });

  for (const event of ['metadata', 'status']) {
    test(`waits as long as it takes after ${event}`, () => {
      const call = new FakeCall();
      watchCall(call, peer, undefined);
      call.emit(event);
      expect(vi.getTimerCount()).toBe(0);
      vi.advanceTimersByTime(acceptDeadlineMs);
      expect(call.cancel).not.toHaveBeenCalled();
    });
  }

  test('cancels a call whose caller has given up before', () => {
    const call = new FakeCall();
    const watched = watchCall(call, peer, AbortSignal.abort());
    expect(call.cancel).toHaveBeenCalledOnce();
    expect(watched.errorOf(new Error())).toMatchObject({ reason: 'cancelled' });
  });

  test('leaves no listener at a signal that outlives the call', () => {
    const call = new FakeCall();
    const controller = new AbortController();
    const watched = watchCall(call, peer, controller.signal);
    expect(watched.ended.aborted).toBe(false);
    call.emit('status');
    expect(watched.ended.aborted).toBe(true);
    controller.abort();
    expect(call.cancel).not.toHaveBeenCalled();
  });

  test('survives an error that nobody reads any more', () => {
    const call = new FakeCall();
    watchCall(call, peer, undefined);
    expect(call.emit('error', new Error('late'))).toBe(true);
  });
});
