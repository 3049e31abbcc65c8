import { afterEach, describe, expect, test } from 'vitest';
import { WorkerClient } from './worker-client.js';

const entry = new URL('./fixtures/scripted-worker.mjs', import.meta.url);

describe('WorkerClient', () => {
  const clients: WorkerClient<unknown>[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
  });
  const start = async (workerData: object = {}): Promise<WorkerClient<unknown>> => {
    const client = await WorkerClient.start(entry, { start: 'ready', ...workerData });
    clients.push(client);
    return client;
  };

  test('starts when the engine is loaded, with its description', async () => {
    expect((await start({ given: 5 })).description).toEqual({ name: 'scripted', given: 5 });
  });

  for (const [how, expected] of [
    ['refused', { reason: 'engine_invalid', message: 'No such graph.', facts: { graph: 'a.onnx' } }],
    ['broken', { reason: 'worker_failed', message: expect.stringContaining('cannot load') }],
    ['exited', { reason: 'worker_failed', message: expect.stringContaining('code 7') }],
  ] as const) {
    test(`fails to start when the engine is ${how}`, async () => {
      await expect(start({ start: how })).rejects.toMatchObject({ name: 'ServingError', ...expected });
    });
  }

  test('returns what the method returns, each call its own', async () => {
    const client = await start();
    const values = [1, { rows: Float32Array.of(1, 2) }, 'three'];
    expect(await Promise.all(values.map((value) => client.call('echo', [value])))).toEqual(values);
  });

  test('moves the buffers that the caller gives away', async () => {
    const client = await start();
    const buffer = new ArrayBuffer(8);
    expect(await client.call('lengthOf', [buffer], [buffer])).toBe(8);
    expect(buffer.byteLength).toBe(0);
  });

  test('passes an error on as the ServingError that it was', async () => {
    const client = await start();
    const expected = { name: 'ServingError', reason: 'media_too_large', message: 'Too large.', facts: { limit: 4 } };
    await expect(client.call('refuse', [])).rejects.toMatchObject(expected);
    expect(await client.call('echo', ['still here'])).toBe('still here');
  });

  test('rejects what cannot be sent, and goes on', async () => {
    const client = await start();
    await expect(client.call('echo', [() => 1])).rejects.toThrow('could not be cloned');
    expect(client.numPending).toBe(0);
    expect(await client.call('echo', [1])).toBe(1);
  });

  for (const [method, message] of [
    ['exit', 'exited with code 3'],
    ['crash', 'out of luck'],
  ] as const) {
    test(`rejects pending and later calls with worker_failed after ${method}`, async () => {
      const client = await start();
      const failure = { name: 'ServingError', reason: 'worker_failed', message: expect.stringContaining(message) };
      const pending = [client.call('forget', []), client.call(method, []), client.call('forget', [])];
      for (const outcome of await Promise.allSettled(pending)) expect(outcome).toMatchObject({ reason: failure });
      await expect(client.call('echo', [1])).rejects.toMatchObject(failure);
      expect(client.failure).toMatchObject(failure);
      expect(await client.failed).toBe(client.failure);
    });
  }

  describe('close', () => {
    test('ends the thread; later calls are refused', async () => {
      const client = await start();
      await client.close();
      await expect(client.call('echo', [1])).rejects.toMatchObject({ reason: 'worker_failed' });
    });

    test('is no failure', async () => {
      const client = await start();
      const outcome = Promise.race([client.failed, client.close().then(() => 'closed')]);
      expect(await outcome).toBe('closed');
      expect(await Promise.race([client.failed, Promise.resolve('none')])).toBe('none');
    });

    test('may be repeated, and comes after a failure too', async () => {
      const client = await start();
      await client.call('exit', []).catch(() => {});
      await client.close();
      await client.close();
    });

    test('ends the thread even when the engine cannot close', async () => {
      const error = { reason: 'internal', message: 'Stuck.', facts: {} };
      const client = await WorkerClient.start(entry, { start: 'ready', close: { error } });
      await expect(client.close()).rejects.toThrow('Stuck.');
      await expect(client.call('echo', [1])).rejects.toMatchObject({ reason: 'worker_failed' });
    });
  });
});
