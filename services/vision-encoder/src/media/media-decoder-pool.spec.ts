import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DecodeJob } from './decode-job.js';
import { createMediaDecoderPool, type MediaDecoderOptions, type MediaDecoderPool } from './media-decoder-pool.js';

const dist = new URL('../../dist/media/', import.meta.url);
const realChild = new URL('decode-child.js', dist);
const misbehavingChild = new URL('./fixtures/misbehaving-child.mjs', import.meta.url);

const pools: MediaDecoderPool[] = [];
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));

function startPool(options: Partial<MediaDecoderOptions> = {}): MediaDecoderPool {
  const defaults = { numProcesses: 1, deadlineMs: 5_000, maxMemoryBytes: 1 << 30, maxPixels: 1e8 };
  const pool = createMediaDecoderPool({ ...defaults, entry: misbehavingChild, ...options });
  pools.push(pool);
  return pool;
}

const never = new AbortController().signal;

function command(name: string): DecodeJob {
  return { source: Buffer.from(name), resizedHeight: 1, resizedWidth: 2 };
}

/** Runs a command of the misbehaving child; resolves to the id of the process that answered. */
async function run(pool: MediaDecoderPool, name: string, signal = never): Promise<number> {
  const { data } = await pool.decode(command(name), signal);
  return new DataView(data.buffer, data.byteOffset).getUint32(0);
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('createMediaDecoderPool', () => {
  it('decodes real pictures in a process that it uses again', async () => {
    const pool = startPool({ entry: realChild });
    const source = readFileSync(new URL('./fixtures/d_tiny_20x17.png', import.meta.url));
    for (const [resizedHeight, resizedWidth] of [
      [28, 28],
      [56, 84],
    ] as const) {
      const image = await pool.decode({ source, resizedHeight, resizedWidth }, never);
      expect(image).toMatchObject({ height: resizedHeight, width: resizedWidth });
      expect(image.data).toHaveLength(resizedHeight * resizedWidth * 3);
    }
  });

  it('hands on what the decoder says of a bad picture, and goes on', async () => {
    const pool = startPool({ entry: realChild });
    await expect(pool.decode(command('no picture'), never)).rejects.toMatchObject({ reason: 'unsupported_media_type' });
    const source = readFileSync(new URL('./fixtures/d_tiny_20x17.png', import.meta.url));
    await expect(pool.decode({ source, resizedHeight: 28, resizedWidth: 28 }, never)).resolves.toBeDefined();
  });

  it('uses a process again, and starts another one only while all are busy', async () => {
    const pool = startPool({ numProcesses: 2 });
    const first = await run(pool, 'ok');
    expect(await run(pool, 'ok')).toBe(first);
    const together = await Promise.all(Array.from({ length: 6 }, () => run(pool, 'ok')));
    expect(new Set(together).size).toBe(2);
    expect(together).toContain(first);
  });

  for (const name of ['hang', 'loop']) {
    it(`kills a decoder that does not end (${name}), fails only its job and replaces it`, async () => {
      const pool = startPool({ numProcesses: 2, deadlineMs: 200 });
      const before = await run(pool, 'ok');
      const [stuck, beside] = await Promise.allSettled([run(pool, name), run(pool, 'ok')]);
      expect(stuck).toMatchObject({
        status: 'rejected',
        reason: { reason: 'media_decode_timeout', facts: { deadlineMs: 200 } },
      });
      expect(beside.status).toBe('fulfilled');
      expect(isAlive(before)).toBe(false);
      expect(await run(pool, 'ok')).not.toBe(before);
    });
  }

  it('kills a decoder that takes too much memory', async () => {
    const pool = startPool({ maxMemoryBytes: 256 << 20 });
    const before = await run(pool, 'ok');
    await expect(run(pool, 'hog')).rejects.toMatchObject({
      reason: 'media_too_large',
      facts: { maxMemoryBytes: 256 << 20 },
    });
    expect(await run(pool, 'ok')).not.toBe(before);
  });

  it('replaces a decoder that has kept much of its memory', async () => {
    const pool = startPool({ maxMemoryBytes: 256 << 20 });
    const grown = await run(pool, 'grow');
    expect(await run(pool, 'ok')).not.toBe(grown);
  });

  for (const [name, how] of [
    ['crash', 'SIGABRT'],
    ['exit', 'exit code 3'],
  ] as const) {
    it(`fails only the job that ended its decoder (${name})`, async () => {
      const pool = startPool();
      const [crashed, queued] = await Promise.allSettled([run(pool, name), run(pool, 'ok')]);
      expect(crashed).toMatchObject({ status: 'rejected', reason: { reason: 'media_undecodable', facts: { how } } });
      expect(queued.status).toBe('fulfilled');
    });
  }

  it('refuses an answer of another size than asked for', async () => {
    await expect(run(startPool(), 'lie')).rejects.toMatchObject({ reason: 'internal' });
  });

  it('says what a decoder that cannot start said', async () => {
    const pool = startPool({ entry: new URL('no-such-child.js', dist) });
    await expect(run(pool, 'ok')).rejects.toMatchObject({
      reason: 'worker_failed',
      message: expect.stringMatching(/exit code 1[\s\S]*Cannot find module/),
    });
  });

  it('starts nothing for a signal that is aborted already', async () => {
    await expect(run(startPool(), 'ok', AbortSignal.abort())).rejects.toMatchObject({ reason: 'cancelled' });
  });

  it('drops a queued job that is cancelled, and serves the next one', async () => {
    const pool = startPool();
    const cancel = new AbortController();
    const first = run(pool, 'ok');
    const dropped = run(pool, 'crash', cancel.signal);
    const last = run(pool, 'ok');
    cancel.abort();
    await expect(dropped).rejects.toMatchObject({ reason: 'cancelled' });
    expect(await last).toBe(await first);
  });

  it('answers at once when a running job is cancelled, and its deadline still holds', async () => {
    const pool = startPool({ deadlineMs: 200 });
    const before = await run(pool, 'ok');
    const cancel = new AbortController();
    const running = run(pool, 'hang', cancel.signal);
    const waiting = run(pool, 'ok');
    cancel.abort();
    await expect(running).rejects.toMatchObject({ reason: 'cancelled' });
    expect(await waiting).not.toBe(before);
  });

  it('fails running and waiting jobs on close, and leaves no process behind', async () => {
    const pool = startPool();
    const pid = await run(pool, 'ok');
    const jobs = Promise.allSettled([run(pool, 'hang'), run(pool, 'ok')]);
    await pool.close();
    for (const job of await jobs)
      expect(job).toMatchObject({ status: 'rejected', reason: { reason: 'shutting_down' } });
    expect(isAlive(pid)).toBe(false);
    await expect(run(pool, 'ok')).rejects.toMatchObject({ reason: 'shutting_down' });
  });

  it('takes its processes with it when its own process dies', async () => {
    const script = `
      const { createMediaDecoderPool } = await import(process.argv[1]);
      const limits = { numProcesses: 1, deadlineMs: 5_000, maxMemoryBytes: 2 ** 30, maxPixels: 1e8 };
      const pool = createMediaDecoderPool({ ...limits, entry: new URL(process.argv[2]) });
      const job = { source: Buffer.from('ok'), resizedHeight: 1, resizedWidth: 2 };
      const { data } = await pool.decode(job, new AbortController().signal);
      console.log(new DataView(data.buffer, data.byteOffset).getUint32(0));
      setInterval(() => {}, 1_000);`;
    const args = [
      '--input-type=module',
      '-e',
      script,
      new URL('media-decoder-pool.js', dist).href,
      misbehavingChild.href,
    ];
    const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(parent.stdout, 'data');
    const pid = Number(line);
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await vi.waitUntil(() => !isAlive(pid), { timeout: 5_000, interval: 10 });
  });
});
