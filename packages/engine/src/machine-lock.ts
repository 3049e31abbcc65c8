import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Does `work` while no other process of this user and machine does any under the same name; `signal` ends the waiting
 * with its reason. The lock is a listening socket: who waits is connected to it, so that it hears of the end of the
 * holder however that ends. Two that find the socket of a dead holder at the same moment may both go on.
 */
export async function holdingMachineLock<Value>(
  name: string,
  work: () => Promise<Value>,
  signal?: AbortSignal,
): Promise<Value> {
  const path = lockPath(name);
  let release = await tryAcquire(path);
  while (!release) {
    await holderGone(path, signal);
    release = await tryAcquire(path);
  }
  try {
    return await work();
  } finally {
    release();
  }
}

function lockPath(name: string): string {
  const digest = createHash('sha256').update(`${process.getuid?.()} ${name}`).digest('hex').slice(0, 32);
  return join(tmpdir(), `tessera-${digest}.lock`);
}

/** What releases the lock; undefined when somebody else has it. */
async function tryAcquire(path: string): Promise<(() => void) | undefined> {
  const waiting = new Set<Socket>();
  const server = createServer((socket) => {
    waiting.add(socket);
    // A waiter that died was not waiting for an answer.
    socket.unref().on('error', () => {});
    socket.once('close', () => waiting.delete(socket));
  });
  try {
    server.unref().listen(path);
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
  return () => {
    server.close();
    for (const socket of waiting) socket.destroy();
  };
}

async function holderGone(path: string, signal?: AbortSignal): Promise<void> {
  const socket = connect(path);
  try {
    await once(socket, 'close', { signal });
  } catch (error) {
    signal?.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    // Nobody listens: the holder was killed and its socket is left.
    if (code === 'ECONNREFUSED') await rm(path, { force: true });
    else if (code !== 'ENOENT' && code !== 'ECONNRESET') throw error;
  } finally {
    socket.destroy();
  }
}
