import { type Bus, createNatsBus } from '@tessera/bus';
import { findFreePort, startServer } from '@tessera/runtime';
import { readUntil, startNats, type TestServer } from '@tessera/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = (bus: Bus, name: string, ttlMs: number) =>
  bus.campaign({ name, candidate: 'a', ttlMs, signal: new AbortController().signal })[Symbol.asyncIterator]();

describe('createNatsBus', () => {
  test('names the server that does not answer', async () => {
    const url = `nats://127.0.0.1:${await findFreePort()}`;
    await expect(createNatsBus({ servers: [url], cell: 'main' })).rejects.toMatchObject({
      reason: 'not_ready',
      message: expect.stringContaining(`NATS at ${url} does not answer: `),
    });
  });

  test('refuses a cell that no subject can name', async () => {
    const options = { servers: ['nats://127.0.0.1:1'], cell: 'a.b' };
    await expect(createNatsBus(options)).rejects.toMatchObject({ reason: 'invalid_option' });
  });

  test('has members but no leaders on a server without JetStream', async () => {
    const port = await findFreePort();
    const args = ['--addr', '127.0.0.1', '--port', `${port}`];
    const server = await startServer({ binary: 'nats-server', args, readyWhen: /Server is ready/ });
    const bus = await createNatsBus({ servers: [`nats://127.0.0.1:${port}`], cell: 'main' });
    const gateway = { kind: 'gateway', id: 'g', address: 'host:1', incarnation: 'i', facts: {} } as const;
    await bus.announce(gateway);
    await readUntil(bus.watch('gateway', new AbortController().signal)[Symbol.asyncIterator](), [gateway]);
    expect(() => run(bus, 'leader', 900)).toThrow(/without JetStream/);
    await bus.close();
    await server.stop();
  });
});

describe('a campaign over NATS', () => {
  let nats: TestServer;
  let bus: Bus;
  beforeAll(async () => {
    nats = await startNats();
    bus = await createNatsBus({ servers: [nats.url], cell: 'main' });
  });
  afterAll(async () => {
    await bus.close();
    await nats.stop();
  });

  test('refuses a length that other candidates do not have', async () => {
    await readUntil(run(bus, 'leader', 900), 'leading');
    const refused = readUntil(run(bus, 'leader', 800), 'leading');
    await expect(refused).rejects.toMatchObject({
      reason: 'invalid_option',
      message: expect.stringContaining('last 900 ms, not 800 ms'),
    });
  });

  test('refuses a name that no bucket can have', () => {
    expect(() => run(bus, 'the leader', 900)).toThrow(/"the leader" is no name of a lease/);
  });
});
