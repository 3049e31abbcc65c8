import { randomUUID } from 'node:crypto';
import { type Bus, type Candidacy, createNatsBus, type Member } from '@tessera/bus';
import type { ServerProcess } from '@tessera/runtime';
import { readUntil, startNats, type TestServer } from '@tessera/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runScript } from './support/run-script.js';

const gateway: Member = { kind: 'gateway', id: 'g-0', address: 'host:9000', incarnation: 'g0-1', facts: { zone: 'a' } };
const otherGateway: Member = { ...gateway, id: 'g-1', incarnation: 'g1-1' };

describe('a cell over NATS', () => {
  let nats: TestServer;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats.stop());

  let cell: string;
  let bus: Bus;
  let otherBus: Bus;
  let ending: AbortController;
  const children: ServerProcess[] = [];
  const connect = () => createNatsBus({ servers: [nats.url], cell, memberTtlMs: 600 });

  beforeEach(async () => {
    cell = `cell-${randomUUID()}`;
    ending = new AbortController();
    [bus, otherBus] = [await connect(), await connect()];
  });
  afterEach(async () => {
    ending.abort();
    for (const child of children.splice(0)) await child.stop();
    for (const connected of [bus, otherBus]) await connected.close();
  });

  const runChild = async (...args: Parameters<typeof runScript>): Promise<ServerProcess> => {
    const child = await runScript(...args);
    children.push(child);
    return child;
  };
  const watchGateways = () => bus.watch('gateway', ending.signal)[Symbol.asyncIterator]();
  const campaign = (from: Bus, candidate: string, ttlMs: number, signal = ending.signal): Candidacy =>
    from.campaign({ name: 'leader', candidate, ttlMs, signal });
  const reaches = async (watched: Bus, wanted: Bus['state']): Promise<void> => {
    while (watched.state !== wanted) {
      await new Promise<void>((resolve) => {
        const end = watched.onStateChange(() => {
          end();
          resolve();
        });
      });
    }
  };
  const bothReach = (wanted: Bus['state']) => Promise.all([bus, otherBus].map((watched) => reaches(watched, wanted)));

  test('misses a member that was killed', async () => {
    const reader = watchGateways();
    const child = await runChild('run-member.mjs', [nats.url, cell, JSON.stringify(gateway)], /announced/);
    await readUntil(reader, [gateway]);
    child.signal('SIGKILL');
    await readUntil(reader, []);
  });

  test('misses a member while it is paused', async () => {
    const reader = watchGateways();
    const child = await runChild('run-member.mjs', [nats.url, cell, JSON.stringify(gateway)], /announced/);
    await readUntil(reader, [gateway]);
    child.signal('SIGSTOP');
    await readUntil(reader, []);
    child.signal('SIGCONT');
    await readUntil(reader, [gateway]);
  });

  test('keeps all members while the server is paused for 5 s, and has later ones and a leader when it is back', async () => {
    await otherBus.announce(gateway);
    const leading = campaign(otherBus, 'a', 5_000)[Symbol.asyncIterator]();
    await readUntil(leading, 'leading');
    const reader = watchGateways();
    await readUntil(reader, [gateway]);
    const change = noteWhenDone(reader.next());

    nats.pause();
    await bothReach('disconnected');
    expect(await readUntil(leading, 'following')).toEqual(['unsure', 'following']);
    await otherBus.announce(otherGateway);
    await expect(bus.leaderOf('leader')).rejects.toMatchObject({ reason: 'not_ready' });
    expect(change.isDone).toBe(false);

    nats.resume();
    await bothReach('connected');
    expect(await change.result).toEqual({ done: false, value: [gateway, otherGateway] });
    await readUntil(leading, 'leading');
    expect(await bus.leaderOf('leader')).toBe('a');
  });

  test('keeps all members while the server is restarted, and has later ones and a leader when it is back', async () => {
    await otherBus.announce(gateway);
    const leading = campaign(otherBus, 'a', 1_500)[Symbol.asyncIterator]();
    await readUntil(leading, 'leading');
    const reader = watchGateways();
    await readUntil(reader, [gateway]);
    const change = noteWhenDone(reader.next());

    await nats.restart(async () => {
      await readUntil(leading, 'following');
      await otherBus.announce(otherGateway);
      expect([bus.state, otherBus.state, change.isDone]).toEqual(['disconnected', 'disconnected', false]);
    });
    await bothReach('connected');
    expect(await change.result).toEqual({ done: false, value: [gateway, otherGateway] });
    await readUntil(leading, 'leading');
    expect(await bus.leaderOf('leader')).toBe('a');
  });

  test('never has two leaders when the leader is paused beyond its lease', async () => {
    const claims: bigint[] = [];
    const onLine = (line: string) => claims.push(BigInt(line.split(' ')[1]));
    const args = [nats.url, cell, 'leader', 'paused', '2000'];
    const paused = await runChild('run-candidate.mjs', args, /leading/, { onLine });
    const leaving = new AbortController();
    const reader = campaign(bus, 'awake', 2_000, leaving.signal)[Symbol.asyncIterator]();
    expect(await readUntil(reader, 'following')).toHaveLength(1);

    paused.signal('SIGSTOP');
    await readUntil(reader, 'leading');
    const tookOverAt = process.hrtime.bigint();
    paused.signal('SIGCONT');
    const asked = await runChild('run-candidate.mjs', [nats.url, cell, 'another', 'c', '900'], /leading/);
    await asked.stop();
    const resignedAt = process.hrtime.bigint();
    leaving.abort();

    await expect.poll(() => claims.some((at) => at > resignedAt), { timeout: 20_000 }).toBe(true);
    expect(claims.filter((at) => at > tookOverAt && at < resignedAt)).toEqual([]);
    expect(await otherBus.leaderOf('leader')).toBe('paused');
  });
});

function noteWhenDone<T>(result: Promise<T>): { readonly result: Promise<T>; readonly isDone: boolean } {
  let isDone = false;
  const noted = result.finally(() => {
    isDone = true;
  });
  return {
    result: noted,
    get isDone() {
      return isDone;
    },
  };
}
