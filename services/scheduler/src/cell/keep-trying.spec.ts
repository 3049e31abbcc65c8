import { createLogger } from '@tessera/runtime';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { keepTrying } from './keep-trying.js';

const pause = vi.hoisted(() => vi.fn(async (_ms: number) => {}));
vi.mock('node:timers/promises', () => ({ setTimeout: pause }));

describe('keepTrying', () => {
  let end: AbortController;
  let told: string[];
  const logger = createLogger({
    name: 'test',
    stream: { write: (line: string) => void told.push(JSON.parse(line).msg) },
    isPretty: false,
  });
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
    pause.mockClear();
    end = new AbortController();
    told = [];
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Runs work that lasts so long each time and then fails; the last one until it is told to end. */
  const run = async (...durationsMs: readonly number[]): Promise<void> => {
    const left = [...durationsMs];
    await keepTrying('group a', logger, end.signal, async () => {
      vi.setSystemTime(Date.now() + left.shift()!);
      if (left.length === 0) end.abort();
      throw new Error('gone');
    });
  };
  const pausesMs = () => pause.mock.calls.map(([ms]) => ms);

  test('begins anew after pauses that double up to two seconds', async () => {
    await run(0, 0, 0, 0, 0, 0, 0, 0);
    expect(pausesMs()).toEqual([100, 200, 400, 800, 1600, 2000, 2000, 2000]);
  });

  test('pauses shortly again after work that lasted', async () => {
    await run(0, 0, 0, 2001, 0);
    expect(pausesMs()).toEqual([100, 200, 400, 100, 200]);
  });

  test('tells of every failure, but for that of work which is to end', async () => {
    await run(0, 0, 0);
    expect(told).toEqual(['group a cannot be used', 'group a cannot be used']);
  });
});
