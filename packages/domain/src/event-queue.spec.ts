import { describe, expect, test } from 'vitest';
import { EventQueue } from './event-queue.js';

/** Reads to the end; an error comes last, by its message. */
async function read(queue: EventQueue<number>): Promise<unknown[]> {
  const seen: unknown[] = [];
  try {
    for await (const event of queue) seen.push(event);
  } catch (error) {
    seen.push((error as Error).message);
  }
  return seen;
}

describe('EventQueue', () => {
  test('gives what was pushed before and after the reader came, in order', async () => {
    const queue = new EventQueue<number>();
    queue.push(1);
    queue.push(2);
    const seen = read(queue);
    await Promise.resolve();
    queue.push(3);
    await Promise.resolve();
    queue.push(4);
    queue.push(5);
    queue.end();
    expect(await seen).toEqual([1, 2, 3, 4, 5]);
  });

  test('gives what came before an error, then throws it', async () => {
    const queue = new EventQueue<number>();
    queue.push(1);
    queue.fail(new Error('broken'));
    expect(await read(queue)).toEqual([1, 'broken']);
  });

  test('wakes a reader for the end and for an error', async () => {
    for (const [end, expected] of [
      [(queue: EventQueue<number>) => queue.end(), []],
      [(queue: EventQueue<number>) => queue.fail(new Error('broken')), ['broken']],
    ] as const) {
      const queue = new EventQueue<number>();
      const seen = read(queue);
      await new Promise(setImmediate);
      end(queue);
      expect(await seen).toEqual(expected);
    }
  });

  test('keeps its first ending and drops what comes after it', async () => {
    const failed = new EventQueue<number>();
    failed.fail(new Error('first'));
    failed.fail(new Error('second'));
    failed.end();
    failed.push(1);
    expect(await read(failed)).toEqual(['first']);
    const ended = new EventQueue<number>();
    ended.end();
    ended.fail(new Error('late'));
    expect(await read(ended)).toEqual([]);
  });
});
