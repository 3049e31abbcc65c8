import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SchedulerService } from '@tessera/proto/scheduler/v1';
import { afterEach, describe, expect, test } from 'vitest';
import { RpcClient } from './rpc-client.js';
import { createRpcServer, type RpcServer } from './rpc-server.js';

describe('createRpcServer', () => {
  const servers: RpcServer[] = [];
  const start = (): RpcServer => {
    const server = createRpcServer();
    server.addService(SchedulerService, {
      async *generate() {},
      describe: async () => ({ epoch: 1n }),
      inspect: async () => ({}),
    });
    servers.push(server);
    return server;
  };
  const ask = async (address: string) => {
    const client = new RpcClient({ address, lostReason: 'not_ready' }, undefined);
    try {
      return await client.unary(SchedulerService.method.describe, {}, { deadlineMs: 5000 });
    } finally {
      client.close();
    }
  };
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close(0)));
  });

  test('returns the port that it took', async () => {
    const address = await start().listen('127.0.0.1:0');
    expect(address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
    await expect(ask(address)).resolves.toMatchObject({ epoch: 1n });
  });

  test('serves at several addresses at once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-rpc-'));
    const server = start();
    const addresses = [await server.listen('127.0.0.1:0'), await server.listen(`unix:${join(folder, 'socket')}`)];
    for (const address of addresses) await expect(ask(address)).resolves.toMatchObject({ epoch: 1n });
    rmSync(folder, { recursive: true });
  });

  test('refuses an address that is taken', async () => {
    const address = await start().listen('127.0.0.1:0');
    await expect(start().listen(address)).rejects.toMatchObject({ reason: 'invalid_option', facts: { address } });
  });

  test('answers nobody once it is closed', async () => {
    const server = start();
    const address = await server.listen('127.0.0.1:0');
    await server.close(60_000);
    await expect(ask(address)).rejects.toMatchObject({ reason: 'not_ready', facts: { address } });
  });

  for (const address of ['127.0.0.1:1', 'unix:/nowhere/socket', 'nobody.invalid:7000']) {
    test(`is missed at ${address}, where there is none`, { timeout: 60_000 }, async () => {
      await expect(ask(address)).rejects.toMatchObject({
        reason: 'not_ready',
        code: 'UNAVAILABLE',
        facts: { address },
      });
    });
  }
});
