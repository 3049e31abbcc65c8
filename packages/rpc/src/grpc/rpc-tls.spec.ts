import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SchedulerService } from '@tessera/proto/scheduler/v1';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCertificates } from '../testing/rpc-world.js';
import { RpcClient } from './rpc-client.js';
import { createRpcServer, type RpcServer } from './rpc-server.js';
import type { RpcTls } from './rpc-tls.js';

describe('a server with TLS', () => {
  let folders: string[];
  let [ours, theirs]: RpcTls[] = [];
  let server: RpcServer;
  let address: string;

  beforeAll(async () => {
    folders = ['a', 'b'].map((name) => mkdtempSync(join(tmpdir(), `tessera-tls-${name}-`)));
    [ours, theirs] = folders.map(createCertificates);
    server = createRpcServer({ tls: ours });
    server.addService(SchedulerService, {
      generate: async () => {},
      describe: async () => ({ epoch: 1n }),
      inspect: async () => ({}),
    });
    address = await server.listen('127.0.0.1:0');
  });
  afterAll(async () => {
    await server.close(0);
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  const ask = async (tls: RpcTls | undefined) => {
    const client = new RpcClient({ address, lostReason: 'not_ready' }, tls);
    try {
      return await client.unary(SchedulerService.method.describe, {}, { deadlineMs: 5000 });
    } finally {
      client.close();
    }
  };

  test('answers those with a certificate of its authority', async () => {
    await expect(ask(ours)).resolves.toMatchObject({ epoch: 1n });
  });

  for (const [who, tlsOf] of [
    ['without TLS', () => undefined],
    ['of another authority', () => theirs],
    ['that believes it but has a certificate of another authority', () => ({ ...theirs!, caFile: ours!.caFile })],
    ['that has its certificate but believes another authority', () => ({ ...ours!, caFile: theirs!.caFile })],
  ] as const) {
    test(`and a client ${who} do not talk`, async () => {
      await expect(ask(tlsOf())).rejects.toMatchObject({ reason: 'not_ready', facts: { address } });
    });
  }

  test('names a file that cannot be read', () => {
    expect(() => createRpcServer({ tls: { ...ours!, keyFile: '/nowhere/key.pem' } })).toThrow(
      expect.objectContaining({ reason: 'invalid_option', facts: { file: '/nowhere/key.pem' } }),
    );
  });
});
