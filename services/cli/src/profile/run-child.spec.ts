import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endingWithParent, runChild } from './run-child.js';

const signalNames = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const numListeners = () => signalNames.map((name) => process.listenerCount(name));

describe('runChild', () => {
  const statuses: [code: string, status: number][] = [
    ['process.exitCode = 0', 0],
    ['process.exitCode = 7', 7],
    ["process.kill(process.pid, 'SIGKILL')", 1],
    ["process.exitCode = process.env.TESSERA_SPEC === 'given' ? 0 : 2", 0],
  ];
  for (const [code, status] of statuses) {
    it(`gives ${status} for a child that does ${code}`, async () => {
      expect(await runChild(['-e', code], { TESSERA_SPEC: 'given' })).toBe(status);
    });
  }

  describe('of a child that waits', () => {
    let server: Server;
    beforeEach(async () => {
      server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
    });
    afterEach(() => server.close());

    /** Connects to the server when it listens for the signal; 5 says that it came. */
    const waiting = (name: string) => `
      const socket = require('node:net').connect(process.env.PORT, '127.0.0.1');
      process.on('${name}', () => process.exit(5));`;

    for (const name of signalNames) {
      it(`passes ${name} on, and listens no more afterwards`, async () => {
        const before = numListeners();
        const { port } = server.address() as { port: number };
        const status = runChild(['-e', waiting(name)], { PORT: String(port) });
        const [socket] = (await once(server, 'connection')) as [Socket];
        socket.on('error', () => {}); // The child exits without closing it.
        expect(numListeners()).toEqual(before.map((count) => count + 1));
        process.emit(name, name);
        expect(await status).toBe(5);
        expect(numListeners()).toEqual(before);
      });
    }
  });
});

describe('endingWithParent', () => {
  it('asks the process to end when its channel closes, and no more when the work is over', async () => {
    const before = process.listenerCount('disconnect');
    await endingWithParent(async () => {
      const asked = once(process, 'SIGTERM');
      process.listeners('disconnect').at(-1)?.call(process);
      await asked;
      expect(process.listenerCount('disconnect')).toBe(before + 1);
    });
    expect(process.listenerCount('disconnect')).toBe(before);
  });

  it('gives the failure of the work', async () => {
    await expect(endingWithParent(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  });
});
