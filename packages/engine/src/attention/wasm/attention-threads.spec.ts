import type { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { AttentionThreads } from './attention-threads.js';

const started = vi.hoisted(() => [] as EventEmitter[]);
vi.mock('node:worker_threads', async () => {
  const { EventEmitter } = await import('node:events');
  class Worker extends EventEmitter {
    constructor() {
      super();
      started.push(this);
    }
    unref(): void {}
    terminate = async (): Promise<void> => void this.emit('exit', 1);
  }
  return { Worker };
});

describe('AttentionThreads', () => {
  let threads: AttentionThreads;
  beforeEach(() => {
    started.length = 0;
    threads = new AttentionThreads(2, () => ({ module: {} as WebAssembly.Module, memories: [], places: [] }));
  });

  test('are alive as long as none has ended', () => {
    expect(started).toHaveLength(2);
    expect(() => threads.assertAlive()).not.toThrow();
  });

  for (const [title, end, message] of [
    ['trapped', (helper: EventEmitter) => helper.emit('error', new Error('unreachable')), 'unreachable'],
    ['exited', (helper: EventEmitter) => helper.emit('exit', 5), 'exited with code 5'],
  ] as const) {
    test(`run no job any more when one has ${title}`, () => {
      end(started[1]);
      const failure = { name: 'ServingError', reason: 'worker_failed', message: expect.stringContaining(message) };
      expect(() => threads.assertAlive()).toThrow(expect.objectContaining(failure));
    });
  }

  test('tell the first of several failures', () => {
    threads.fail(new Error('memory access out of bounds'));
    started[0].emit('exit', 1);
    expect(() => threads.assertAlive()).toThrow('memory access out of bounds');
  });
});
