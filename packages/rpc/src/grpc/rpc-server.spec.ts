import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServingError } from '@tessera/domain';
import { DecoderService } from '@tessera/proto/decoder/v1';
import { VisionEncoderService } from '@tessera/proto/encoder/v1';
import { SchedulerService } from '@tessera/proto/scheduler/v1';
import { afterEach, describe, expect, test } from 'vitest';
import { collect } from '../testing/collect.js';
import { RpcClient } from './rpc-client.js';
import { createRpcServer, type RpcServer } from './rpc-server.js';

describe('createRpcServer', () => {
  const servers: RpcServer[] = [];
  const start = (): RpcServer => {
    const server = createRpcServer();
    server.addService(SchedulerService, {
      generate: async () => {},
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

  test('tells its owner of errors that nobody meant to throw, and by which method', async () => {
    const told: unknown[] = [];
    const server = createRpcServer({ onError: (error, method) => told.push([error, method]) });
    servers.push(server);
    const [mistake, refusal] = [new TypeError('not a function'), new ServingError('queue_full', 'no room')];
    const thrown: Error[] = [mistake, refusal, AbortSignal.abort().reason];
    server.addService(DecoderService, {
      step: () => Promise.reject(mistake),
      describe: () => Promise.reject(thrown.shift()),
    });
    server.addService(VisionEncoderService, {
      encode: () => Promise.reject(mistake),
      attach: async function* () {},
      // biome-ignore lint/correctness/useYield: this one fails before it says anything
      fetch: async function* () {
        throw mistake;
      },
    });
    const client = new RpcClient(
      { address: await server.listen('127.0.0.1:0'), lostReason: 'worker_failed' },
      undefined,
    );
    const { step, describe } = DecoderService.method;
    const { encode, fetch } = VisionEncoderService.method;
    for (const call of [
      () => client.unary(describe, {}, { deadlineMs: 5000 }),
      () => client.unary(describe, {}, { deadlineMs: 5000 }),
      () => client.unary(describe, {}, { deadlineMs: 5000 }),
      () => client.clientStream(encode, [], {}),
      () => collect(client.serverStream(fetch, {}, {})),
      () => collect(client.bidiStream(step, {}).received),
    ]) {
      await expect(call()).rejects.toThrow();
    }
    client.close();
    expect(told).toEqual([
      [mistake, 'tessera.decoder.v1.DecoderService/Describe'],
      [mistake, 'tessera.encoder.v1.VisionEncoderService/Encode'],
      [mistake, 'tessera.encoder.v1.VisionEncoderService/Fetch'],
      [mistake, 'tessera.decoder.v1.DecoderService/Step'],
    ]);
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
