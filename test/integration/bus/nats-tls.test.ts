import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNatsBus } from '@tessera/bus';
import { findFreePort, type ServerProcess, startServer } from '@tessera/runtime';
import { type Certificates, createCertificates, readUntil } from '@tessera/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

describe('a server that asks for certificates', () => {
  let folder: string;
  let tls: Certificates;
  let server: ServerProcess;
  let url: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-tls-'));
    tls = createCertificates(folder);
    const port = await findFreePort();
    url = `nats://127.0.0.1:${port}`;
    const { certFile, keyFile, caFile } = tls;
    const files = ['--tlscert', certFile, '--tlskey', keyFile, '--tlscacert', caFile];
    const args = ['--addr', '127.0.0.1', '--port', `${port}`, '--tls', '--tlsverify', ...files];
    server = await startServer({ binary: 'nats-server', args, readyWhen: /Server is ready/ });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  test('takes a member that has one', async () => {
    const bus = await createNatsBus({ servers: [url], cell: 'main', tls });
    const gateway = { kind: 'gateway', id: 'g', address: 'host:1', incarnation: 'i', facts: {} } as const;
    await bus.announce(gateway);
    await readUntil(bus.watch('gateway', new AbortController().signal)[Symbol.asyncIterator](), [gateway]);
    await bus.close();
  });

  test('is refused by a member when its certificate is of another host', async () => {
    const servers = [url.replace('127.0.0.1', 'localhost')];
    await expect(createNatsBus({ servers, cell: 'main', tls })).rejects.toThrow(/does not match.*localhost/s);
  });

  test('refuses a member that has none', async () => {
    await expect(createNatsBus({ servers: [url], cell: 'main' })).rejects.toMatchObject({ reason: 'not_ready' });
  });
});
