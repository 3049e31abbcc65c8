import { ServingError } from '@tessera/domain';
import { describe, expect, it } from 'vitest';
import { startServer } from './start-server.js';

const node = (script: string) => ({ binary: process.execPath, args: ['-e', script], readyWhen: /^ready$/ });
const staysUp = 'setInterval(() => {}, 1000);';
const saysReady = `console.error('ready');${staysUp}`;

describe('startServer', () => {
  it('resolves once the line is there, on either stream', async () => {
    for (const stream of ['log', 'error']) {
      const lines: string[] = [];
      const script = `console.${stream}('starting'); console.${stream}('ready');${staysUp}`;
      const server = await startServer(node(script), { onLine: (line) => lines.push(line) });
      expect(lines).toEqual(['starting', 'ready']);
      await server.stop();
    }
  });

  it('tells how a server ended', async () => {
    const server = await startServer(node(saysReady));
    server.signal('SIGKILL');
    expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('stops a server that is paused', async () => {
    const server = await startServer(node(saysReady));
    server.signal('SIGSTOP');
    await server.stop();
    expect(await server.exited).toEqual({ code: null, signal: 'SIGTERM' });
  });

  it('kills a server that does not mind SIGTERM', async () => {
    const server = await startServer(node(`process.on('SIGTERM', () => {});${saysReady}`), { stopTimeoutMs: 50 });
    await server.stop();
    expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('refuses a program that is not there, and says how to get one', async () => {
    const start = startServer({ binary: 'no-such-server', args: [], readyWhen: /./ });
    await expect(start).rejects.toThrow(ServingError);
    await expect(start).rejects.toMatchObject({
      reason: 'server_not_found',
      message: expect.stringMatching(/no-such-server.*scripts\/install-servers\.mjs/),
    });
  });

  it('fails with the last lines of a server that ends before it is ready', async () => {
    const script = "console.log('bad option'); process.exitCode = 3;";
    await expect(startServer(node(script))).rejects.toThrow(/ended with 3 before it was ready:\nbad option/);
  });

  it('fails with the last lines of a server that is not ready in time, and kills it', async () => {
    const lines: string[] = [];
    const shell = { binary: 'sh', args: ['-c', 'echo $$; exec sleep 1000'], readyWhen: /^ready$/ };
    const start = startServer(shell, { startTimeoutMs: 500, onLine: (line) => lines.push(line) });
    await expect(start).rejects.toThrow(/was not ready after 500 ms:\n\d+/);
    await expect.poll(() => isAlive(Number(lines[0]))).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
