import { getEventListeners } from 'node:events';
import { createRequest } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { watchRequest } from './watch-request.js';

const now = () => 1_000;

describe('watchRequest', () => {
  let controller: AbortController;
  /** Why the request ended, in order. */
  let heard: string[];

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    controller = new AbortController();
    heard = [];
  });
  afterEach(() => void vi.useRealTimers());

  const watch = (deadlineMs?: number) =>
    watchRequest(createRequest({ deadlineMs }), controller.signal, now, ({ reason }) => heard.push(reason));

  test('hears of an abort, once', () => {
    watch();
    expect(heard).toEqual([]);
    controller.abort();
    controller.abort();
    expect(heard).toEqual(['cancelled']);
  });

  test('hears at once of an abort that came before', () => {
    controller.abort();
    watch();
    expect(heard).toEqual(['cancelled']);
  });

  test('hears of the deadline when it passes', () => {
    watch(1_500);
    vi.advanceTimersByTime(499);
    expect(heard).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(heard).toEqual(['deadline_exceeded']);
  });

  test('hears of a deadline that passed before as soon as the caller has gone on', () => {
    watch(1);
    expect(heard).toEqual([]);
    vi.advanceTimersByTime(0);
    expect(heard).toEqual(['deadline_exceeded']);
  });

  test('sets no timer without a deadline', () => {
    watch();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('does not take a deadline further ahead than timers reach for one that has passed', () => {
    watch(Number.MAX_SAFE_INTEGER);
    vi.advanceTimersByTime(24 * 24 * 60 * 60 * 1_000);
    expect(heard).toEqual([]);
  });

  test('hears nothing once it is ended, and leaves nothing behind', () => {
    const stop = watch(1_500);
    expect([vi.getTimerCount(), getEventListeners(controller.signal, 'abort').length]).toEqual([1, 1]);
    stop();
    expect([vi.getTimerCount(), getEventListeners(controller.signal, 'abort').length]).toEqual([0, 0]);
    controller.abort();
    vi.advanceTimersByTime(1_000);
    expect(heard).toEqual([]);
  });
});
