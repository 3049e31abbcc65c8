import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { holdingMachineLock } from './machine-lock.js';

describe('holdingMachineLock', () => {
  /** Holds the lock until the returned function is called. */
  const hold = async (name: string): Promise<() => void> => {
    let release: () => void = () => {};
    await new Promise<void>((resolve) => {
      void holdingMachineLock(name, () => {
        resolve();
        return new Promise<void>((done) => {
          release = done;
        });
      });
    });
    return release;
  };

  test('lets one work at a time, in whatever order', async () => {
    let numWorking = 0;
    const seen: number[] = [];
    const work = async (i: number): Promise<number> => {
      seen.push(++numWorking);
      await new Promise(setImmediate);
      numWorking--;
      return i;
    };
    const all = [0, 1, 2, 3].map((i) => holdingMachineLock('a', () => work(i)));
    expect(await Promise.all(all)).toEqual([0, 1, 2, 3]);
    expect(seen).toEqual([1, 1, 1, 1]);
  });

  test('does not hold up work under another name', async () => {
    const release = await hold('a');
    expect(await holdingMachineLock('b', async () => 'done')).toBe('done');
    release();
  });

  test('is free again after work that failed', async () => {
    const failing = holdingMachineLock('a', () => Promise.reject(new Error('broken')));
    await expect(failing).rejects.toThrow('broken');
    expect(await holdingMachineLock('a', async () => 'done')).toBe('done');
  });

  test('gives up waiting with the reason of the signal', async () => {
    const release = await hold('a');
    const abort = new AbortController();
    const waiting = holdingMachineLock('a', async () => 'done', abort.signal);
    abort.abort(new Error('no longer wanted'));
    await expect(waiting).rejects.toThrow('no longer wanted');
    release();
  });

  test('passes on when its holder is killed', async () => {
    const before = heldSockets();
    const [name] = await holdingMachineLock('a', async () => heldSockets().filter((held) => !before.includes(held)));
    const listen = `require('node:net').createServer(() => process.kill(process.pid, 'SIGKILL')).listen('\\0' + process.argv[1], () => console.log('held'))`;
    const holder = spawn(process.execPath, ['-e', listen, name], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(holder, 'exit');
    await once(holder.stdout, 'data');
    expect(await holdingMachineLock('a', async () => 'done')).toBe('done');
    expect(await exited).toEqual([null, 'SIGKILL']);
  });
});

/** Names of the abstract sockets that locks of this machine listen on. */
function heldSockets(): string[] {
  const listed = readFileSync('/proc/net/unix', 'utf8').matchAll(/@(tessera-[0-9a-f]{32})@*$/gm);
  return Array.from(listed, ([, name]) => name);
}
