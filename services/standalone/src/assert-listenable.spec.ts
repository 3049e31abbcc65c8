import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { assertListenable } from './assert-listenable.js';

const host = '127.0.0.1';

async function listen(port: number): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

describe('assertListenable', () => {
  it('refuses a port that is taken, by its option', async () => {
    const other = await listen(0);
    await expect(assertListenable({ host, port: other.port })).rejects.toMatchObject({
      reason: 'invalid_option',
      message: expect.stringContaining(`--port ${other.port} is taken`),
    });
    await other.close();
  });

  it('leaves a free port free', async () => {
    const { port, close } = await listen(0);
    await close();
    await assertListenable({ host, port });
    await (await listen(port)).close();
  });
});
