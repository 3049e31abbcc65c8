import { type Bus, createMemoryBus, MemoryHub } from '@tessera/bus';
import { MemoryPageDirectory } from '@tessera/kv';
import { connectScheduler, type RemoteScheduler } from '@tessera/rpc';
import { createLogger, loadConfig } from '@tessera/runtime';
import { createRequest } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { schedulerServerConfigSchema } from './config.js';
import { type StartedScheduler, startScheduler } from './start-scheduler.js';

const logger = createLogger({ name: 'test', stream: { write: () => {} }, isPretty: false });

describe('a scheduler process', () => {
  let hub: MemoryHub;
  let bus: Bus;
  /** What it started, last first when it is closed. */
  let closers: { readonly name: string; readonly close: () => void | Promise<void> }[];
  let started: StartedScheduler;
  let remote: RemoteScheduler;

  beforeEach(async () => {
    hub = new MemoryHub();
    bus = createMemoryBus(hub);
    closers = [];
  });
  afterEach(async () => {
    remote.close();
    await shutDown();
    await bus.close();
  });

  const start = async (): Promise<void> => {
    const config = loadConfig(schedulerServerConfigSchema, { env: {}, overrides: {} });
    const context = {
      signal: new AbortController().signal,
      onShutdown: (name: string, close: () => void | Promise<void>) => void closers.push({ name, close }),
    };
    started = await startScheduler(config, { logger, context, bus, directory: new MemoryPageDirectory() });
    remote = connectScheduler(started.address);
  };
  /** In the opposite order of the start, up to what has this name. */
  const shutDown = async (last?: string): Promise<void> => {
    for (let closer = closers.pop(); closer; closer = closers.pop()) {
      await closer.close();
      if (closer.name === last) return;
    }
  };
  const leader = () => bus.leaderOf('leader-default');

  test('is found by gateways, and leads the cell when nobody else does', async () => {
    await start();
    expect(hub.members('scheduler').value).toMatchObject([{ address: started.address }]);
    await expect.poll(async () => (await remote.describe()).isLeader, { interval: 1 }).toBe(true);
    expect(await leader()).toBe(hub.members('scheduler').value[0]!.incarnation);
    expect(started.health.report()).toMatchObject({ isReady: true });
  });

  test('is found no more when it is shut down, then leads no more, then answers no more', async () => {
    await start();
    await expect.poll(async () => (await remote.describe()).isLeader, { interval: 1 }).toBe(true);
    await shutDown('membership');
    expect(hub.members('scheduler').value).toEqual([]);
    expect((await remote.describe()).isLeader).toBe(true);
    await shutDown('cell');
    expect(await leader()).toBeUndefined();
    expect((await remote.describe()).isLeader).toBe(false);
    const stream = remote.generate(createRequest(), new AbortController().signal)[Symbol.asyncIterator]();
    await expect(stream.next()).rejects.toMatchObject({ reason: 'not_leader' });
    await shutDown('server');
    await expect(remote.describe()).rejects.toMatchObject({ reason: 'not_ready' });
  });

  test('is not healthy any more when it cannot follow the members of its cell', async () => {
    // biome-ignore lint/correctness/useYield: it fails before it says anything
    bus.watch = async function* () {
      throw new Error('The members are unknown.');
    };
    await start();
    await expect
      .poll(() => started.health.report(), { interval: 1 })
      .toMatchObject({
        isLive: false,
        components: { cell: { state: 'failed', detail: expect.stringContaining('The members are unknown.') } },
      });
    expect(await leader()).toBeUndefined();
    await expect(started.lost).resolves.toMatchObject({ message: 'The members are unknown.' });
  });
});
