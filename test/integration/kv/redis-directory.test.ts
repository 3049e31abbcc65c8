import { EventEmitter, once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type PageRecord, pageId, sequenceId } from '@tessera/domain';
import { createWriteBehind, type GroupSnapshot, RedisPageDirectory, type WriteBehind } from '@tessera/kv';
import { describePageDirectory, startRedis, type TestServer } from '@tessera/testkit';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

let redis: TestServer;
let numPrefixes = 0;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

function createDirectory(options: { prefix?: string; timeoutMs?: number } = {}): RedisPageDirectory {
  return new RedisPageDirectory({ url: redis.url, prefix: `test-${numPrefixes++}`, ...options });
}

function owned(page: number): PageRecord {
  const sequenceIds = [sequenceId('s1')];
  return { pageId: pageId(page), state: 'owned', blockHash: undefined, sequenceIds, generation: 1 };
}

describePageDirectory('RedisPageDirectory', async () => createDirectory());

describe('RedisPageDirectory', () => {
  const opened: RedisPageDirectory[] = [];
  const create = (options?: Parameters<typeof createDirectory>[0]): RedisPageDirectory => {
    const directory = createDirectory(options);
    opened.push(directory);
    return directory;
  };
  afterEach(async () => {
    for (const directory of opened.splice(0)) await directory.close();
  });
  const batch = { epoch: 1, batchId: 1, groupId: 'g0', stepId: 1, isWhole: true, deltas: [owned(3)] };

  test('keeps all keys of a cell under its prefix, in braces so that they share a slot', async () => {
    const directory = create({ prefix: 'cell-a' });
    await directory.open(1);
    await directory.write(batch);
    const client = new Redis(redis.url);
    expect((await client.keys('*cell-a*')).sort()).toEqual([
      '{cell-a}:epoch',
      '{cell-a}:group:g0:head',
      '{cell-a}:group:g0:pages',
      '{cell-a}:groups',
    ]);
    await directory.clear(1, 'g0');
    expect(await client.keys('*cell-a*')).toEqual(['{cell-a}:epoch']);
    await client.quit();
  });

  test('keeps cells of different prefixes apart', async () => {
    const [a, b] = [create(), create()];
    await a.open(5);
    await a.write({ ...batch, epoch: 5 });
    await b.open(1);
    expect(await b.groups()).toEqual([]);
    expect(await b.write(batch)).toBe('written');
  });

  test('says the same to whoever reads, from another connection', async () => {
    const prefix = 'shared';
    const [leader, reader] = [create({ prefix }), create({ prefix })];
    await leader.open(1);
    await leader.write(batch);
    expect(await reader.read('g0')).toMatchObject({ epoch: 1, stepId: 1, pages: [owned(3)] });
  });

  test('refuses a leader of an older epoch that writes over a connection of its own', async () => {
    const prefix = 'fenced';
    const [older, newer] = [create({ prefix }), create({ prefix })];
    await older.open(1);
    await older.write(batch);
    await newer.open(2);
    const late = { ...batch, batchId: 2, isWhole: false, deltas: [owned(4)] };
    await expect(older.write(late)).rejects.toMatchObject({ reason: 'epoch_refused' });
    expect((await newer.read('g0'))?.pages).toEqual([owned(3)]);
  });

  test('writes a pool of 20 000 pages in one batch', async () => {
    const directory = create();
    await directory.open(1);
    const deltas = Array.from({ length: 20_000 }, (_, page) => owned(page));
    expect(await directory.write({ ...batch, deltas })).toBe('written');
    expect((await directory.read('g0'))?.pages).toEqual(deltas);
  });

  test('rejects every call after it was closed', async () => {
    const directory = create();
    await directory.open(1);
    await directory.close();
    await expect(directory.open(1)).rejects.toThrow('closed');
  });

  test('rejects when nothing listens there, and when who listens never answers', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => sockets.push(socket));
    const port = portOf(silent);
    const directory = new RedisPageDirectory({ url: `redis://127.0.0.1:${port}`, timeoutMs: 100 });
    await expect(directory.open(1)).rejects.toThrow();
    await directory.close();
    for (const socket of sockets) socket.destroy();
    silent.close();
    await once(silent, 'close');
    const nobody = new RedisPageDirectory({ url: `redis://127.0.0.1:${port}`, timeoutMs: 1000 });
    await expect(nobody.open(1)).rejects.toThrow('ECONNREFUSED');
    await nobody.close();
  });
});

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
}

describe('a directory kept up to date while its Redis', () => {
  let directory: RedisPageDirectory;
  let writer: WriteBehind;
  let groups: Map<string, GroupSnapshot>;
  let states: string[];
  let changes: EventEmitter;

  beforeEach(async () => {
    directory = createDirectory({ timeoutMs: 150 });
    groups = new Map([['g0', { stepId: 1, pages: [owned(0)] }]]);
    states = [];
    changes = new EventEmitter();
    writer = createWriteBehind(directory, {
      epoch: 1,
      snapshot: (groupId) => groups.get(groupId),
      retryMs: 50,
      onState: (state) => {
        states.push(state);
        changes.emit(state);
      },
    });
    writer.push('g0', 1, []);
    await writer.settled();
    expect(states).toEqual(['writing']);
  });
  afterEach(async () => {
    await writer.close();
    await directory.close();
  });
  const step = (stepId: number, pages: readonly PageRecord[]): void => {
    groups.set('g0', { stepId, pages });
    writer.push('g0', stepId, pages);
  };
  const reach = async (state: string): Promise<void> => {
    if (writer.state !== state) await once(changes, state);
  };

  test('is paused falls behind, and has all that is true by then when it goes on', async () => {
    redis.pause();
    try {
      step(2, [owned(0), owned(1)]);
      await reach('behind');
      for (let stepId = 3; stepId <= 500; stepId++) step(stepId, [owned(stepId)]);
    } finally {
      redis.resume();
    }
    await reach('writing');
    await writer.settled();
    expect(await directory.read('g0')).toMatchObject({ stepId: 500, pages: [owned(500)] });
    expect(states).toEqual(['writing', 'behind', 'rebuilding', 'writing']);
  });

  test('is down falls behind, and is told everything when it comes back empty', async () => {
    await redis.restart(async () => {
      step(2, [owned(0), owned(1)]);
      await reach('behind');
    });
    await reach('writing');
    await writer.settled();
    expect(await directory.read('g0')).toMatchObject({ epoch: 1, stepId: 2, pages: [owned(0), owned(1)] });
  });

  test('restarts empty while nothing changes is told everything, too', async () => {
    const noticed = once(changes, 'rebuilding');
    await redis.restart();
    await noticed;
    await reach('writing');
    expect((await directory.read('g0'))?.pages).toEqual([owned(0)]);
  });

  test('is emptied by hand is told everything at the next change', async () => {
    const client = new Redis(redis.url);
    await client.flushall();
    await client.quit();
    step(2, [owned(4)]);
    await writer.settled();
    expect(await directory.read('g0')).toMatchObject({ stepId: 2, pages: [owned(4)] });
    expect(states).toEqual(['writing', 'rebuilding', 'writing']);
  });

  test('is opened by a newer leader writes nothing any more', async () => {
    const newer = createDirectory({ prefix: `test-${numPrefixes - 1}` });
    await newer.open(2);
    step(2, [owned(9)]);
    await writer.settled();
    expect(writer.state).toBe('refused');
    expect((await newer.read('g0'))?.pages).toEqual([owned(0)]);
    await newer.close();
  });
});
