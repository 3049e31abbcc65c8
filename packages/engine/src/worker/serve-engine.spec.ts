import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { ServingError } from '@tessera/domain';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { serveEngine, type WorkerMethod } from './serve-engine.js';

const threads = vi.hoisted(() => ({ parentPort: null as unknown }));
vi.mock('node:worker_threads', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  get parentPort() {
    return threads.parentPort;
  },
}));

/** That of this file, where the engines of these tests are. */
const stack = expect.stringContaining('serve-engine.spec');

describe('serveEngine', () => {
  let channel: MessageChannel;
  beforeEach(() => {
    channel = new MessageChannel();
    threads.parentPort = channel.port1;
  });
  afterEach(() => channel.port1.close());

  const nextMessage = async (): Promise<unknown> => (await once(channel.port2, 'message'))[0];
  type Methods = Readonly<Record<string, WorkerMethod>>;
  const serve = async (methods: Methods, urgentMethods?: Methods): Promise<void> => {
    const hello = nextMessage();
    await serveEngine(async () => ({ description: 'engine', methods, urgentMethods }));
    await hello;
  };
  /** Sends calls at once and returns the replies in the order in which they come. */
  const callAll = async (...calls: readonly (readonly [method: string, ...args: unknown[]])[]) => {
    const replies: unknown[] = [];
    const all = new Promise<unknown[]>((resolve) => {
      channel.port2.on('message', (reply) => replies.push(reply) === calls.length && resolve(replies));
    });
    for (const [callId, [method, ...args]] of calls.entries()) channel.port2.postMessage({ callId, method, args });
    return all;
  };

  test('says hello with the description once the engine is loaded', async () => {
    const hello = nextMessage();
    await serveEngine(async () => ({ description: { numRanks: 2 }, methods: {} }));
    expect(await hello).toEqual({ description: { numRanks: 2 } });
  });

  test('says why the engine could not be loaded', async () => {
    const hello = nextMessage();
    await serveEngine(async () => {
      throw new ServingError('engine_invalid', 'No graph.', { graph: 'a.onnx' });
    });
    expect(await hello).toEqual({
      error: { reason: 'engine_invalid', message: 'No graph.', facts: { graph: 'a.onnx' }, stack },
    });
  });

  test('runs calls one after the other, in order', async () => {
    const log: string[] = [];
    await serve({
      work: async (name: string) => {
        log.push(`${name} begins`);
        await new Promise(setImmediate);
        log.push(`${name} ends`);
        return { value: name };
      },
    });
    expect(await callAll(['work', 'a'], ['work', 'b'])).toEqual([
      { callId: 0, value: 'a' },
      { callId: 1, value: 'b' },
    ]);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  test('runs an urgent call beside the one that runs', async () => {
    let finish: () => void = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const work = async () => {
      await finished;
      return { value: 'worked' };
    };
    const interrupt = async () => {
      finish();
      return { value: 'interrupted' };
    };
    await serve({ work }, { interrupt });
    expect(await callAll(['work'], ['interrupt'])).toEqual([
      { callId: 1, value: 'interrupted' },
      { callId: 0, value: 'worked' },
    ]);
  });

  test('answers a failed call with its error and runs the next', async () => {
    await serve({
      fail: async () => {
        throw new ServingError('media_undecodable', 'Bad file.', { field: 'image' });
      },
      crash: async () => {
        throw new TypeError('not a function');
      },
      work: async () => undefined,
    });
    expect(await callAll(['fail'], ['crash'], ['unheard'], ['work'])).toEqual([
      { callId: 0, error: { reason: 'media_undecodable', message: 'Bad file.', facts: { field: 'image' }, stack } },
      { callId: 1, error: { reason: 'internal', message: 'not a function', facts: {}, stack } },
      { callId: 2, error: expect.objectContaining({ reason: 'internal' }) },
      { callId: 3, value: undefined },
    ]);
  });

  test('moves the buffers of a result instead of copying them', async () => {
    const rows = Float32Array.of(1, 2, 3);
    await serve({ rows: async () => ({ value: rows, transfer: [rows.buffer] }) });
    expect(await callAll(['rows'])).toEqual([{ callId: 0, value: Float32Array.of(1, 2, 3) }]);
    expect(rows.length).toBe(0);
  });

  test('runs in a worker thread only', async () => {
    threads.parentPort = null;
    await expect(serveEngine(async () => ({ description: '', methods: {} }))).rejects.toThrow('worker thread only');
  });
});
