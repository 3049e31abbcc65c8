import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freeUnixSocket } from './free-unix-socket.js';

describe('freeUnixSocket', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-socket-'));
    path = join(folder, 'socket');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('removes what a killed server left', async () => {
    const listening = "require('node:net').createServer().listen(process.argv[1], () => console.log('listening'))";
    const killed = spawn(process.execPath, ['-e', listening, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(killed.stdout, 'data');
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(existsSync(path)).toBe(true);
    await freeUnixSocket(path);
    expect(existsSync(path)).toBe(false);
  });

  test('leaves a server alone', async () => {
    const server = createServer().listen(path);
    await once(server, 'listening');
    await freeUnixSocket(path);
    expect(existsSync(path)).toBe(true);
    await new Promise((resolve) => server.close(resolve));
  });

  test('leaves other files alone', async () => {
    writeFileSync(path, 'mine');
    await freeUnixSocket(path);
    expect(existsSync(path)).toBe(true);
  });

  test('does nothing where nothing is', () => expect(freeUnixSocket(path)).resolves.toBeUndefined());
});
