import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { untilInterrupted } from './until-interrupted.js';

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const numListeners = () => names.map((name) => process.listenerCount(name));

describe('untilInterrupted', () => {
  for (const name of names) {
    it(`aborts at ${name}`, async () => {
      const ended = untilInterrupted(async (signal) => {
        const aborted = once(signal, 'abort');
        process.emit(name);
        await aborted;
        return 'ended';
      });
      expect(await ended).toBe('ended');
    });
  }

  it('listens no more once asked, and when the work is over, however it ended', async () => {
    const before = numListeners();
    await untilInterrupted(async () => {
      expect(numListeners()).toEqual(before.map((count) => count + 1));
      process.emit('SIGTERM');
      expect(process.listenerCount('SIGTERM')).toBe(before[1]);
    });
    await expect(untilInterrupted(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(numListeners()).toEqual(before);
  });
});
