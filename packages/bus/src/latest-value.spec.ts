import { describe, expect, it } from 'vitest';
import { LatestValue } from './latest-value.js';

describe('LatestValue', () => {
  const forever = new AbortController().signal;
  const next = async <T>(reader: AsyncGenerator<T, void>) => (await reader.next()).value;

  it('gives the value that is there at once, then each new one', async () => {
    const latest = new LatestValue('a');
    const reader = latest.read(forever);
    expect(await next(reader)).toBe('a');
    const second = next(reader);
    latest.set('b');
    expect(await second).toBe('b');
  });

  it('lets a slow reader skip to the newest', async () => {
    const latest = new LatestValue(0);
    const reader = latest.read(forever);
    await reader.next();
    for (const value of [1, 2, 3]) latest.set(value);
    expect(await next(reader)).toBe(3);
  });

  it('says nothing of a change that was undone before it was read', async () => {
    const latest = new LatestValue(0);
    const reader = latest.read(forever);
    await reader.next();
    const second = next(reader);
    latest.set(1);
    latest.set(0);
    latest.set(2);
    expect(await second).toBe(2);
  });

  it('gives each of several readers all that it needs', async () => {
    const latest = new LatestValue(undefined as string | undefined);
    const readers = [latest.read(forever), latest.read(forever)];
    for (const reader of readers) expect(await next(reader)).toBeUndefined();
    const seconds = readers.map(next);
    latest.set('b');
    expect(await Promise.all(seconds)).toEqual(['b', 'b']);
  });

  const endings = {
    'its signal': (controller: AbortController) => controller.abort(),
    closing: (_: AbortController, latest: LatestValue<number>) => latest.close(),
  };
  for (const [title, end] of Object.entries(endings)) {
    it(`ends a waiting reader with ${title}`, async () => {
      const [controller, latest] = [new AbortController(), new LatestValue(0)];
      const reader = latest.read(controller.signal);
      await reader.next();
      const second = reader.next();
      end(controller, latest);
      expect(await second).toEqual({ done: true, value: undefined });
    });

    it(`gives nothing to a reader that begins after ${title}`, async () => {
      const [controller, latest] = [new AbortController(), new LatestValue(0)];
      end(controller, latest);
      expect(await latest.read(controller.signal).next()).toEqual({ done: true, value: undefined });
    });
  }
});
