import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/**
 * Does `work` while no other process of this user and machine does any under the same name; `signal` ends the waiting
 * with its reason. The lock is a socket of Linux' abstract namespace: whoever waits is connected to it, and so hears of
 * the end of its holder, however that ends; nothing is left of a dead one. Elsewhere nobody waits.
 */
export async function holdingMachineLock<Value>(
  name: string,
  work: () => Promise<Value>,
  signal?: AbortSignal,
): Promise<Value> {
  if (process.platform !== 'linux') return work();
  const path = socketName(name);
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

function socketName(name: string): string {
  const digest = createHash('sha256').update(`${process.getuid?.()} ${name}`).digest('hex');
  return `\0tessera-${digest.slice(0, 32)}`;
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
    // Its holder ended a moment ago, or does not listen yet: the next attempt to be the holder tells.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ECONNREFUSED' && code !== 'ECONNRESET') throw error;
  } finally {
    socket.destroy();
  }
}
