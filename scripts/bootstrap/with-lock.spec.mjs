import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isStale, withLock } from './with-lock.mjs';

describe('isStale', () => {
  const lock = { pid: 7, touchedMs: 100_000, nowMs: 129_000, isAlive: () => true };

  it('respects a living holder that was heard of within 30 seconds', () => expect(isStale(lock)).toBe(false));
  it('gives up on a silent holder', () => expect(isStale({ ...lock, nowMs: 130_001 })).toBe(true));
  it('gives up on a dead holder at once', () => expect(isStale({ ...lock, isAlive: () => false })).toBe(true));
});

describe('withLock', () => {
  let dir;
  let path;
  const lines = [];
  const options = { log: (line) => lines.push(line) };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tessera-'));
    path = join(dir, 'deep/bootstrap.lock');
    lines.length = 0;
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('lets one at a time work, tells the others whom they wait for, and leaves nothing behind', async () => {
    const events = [];
    const work = (name) => async () => {
      events.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      events.push(`${name} ends`);
      return name;
    };
    const results = await Promise.all([withLock(path, work('a'), options), withLock(path, work('b'), options)]);
    expect(results).toEqual(['a', 'b']);
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
    expect(lines).toEqual([expect.stringContaining(`process ${process.pid}`)]);
    expect(existsSync(path)).toBe(false);
  });

  it('frees the lock when the work fails', async () => {
    await expect(withLock(path, () => Promise.reject(new Error('disk full')), options)).rejects.toThrow('disk full');
    expect(existsSync(path)).toBe(false);
  });

  it('takes over the lock of a process that is gone', async () => {
    await withLock(path, () => {}, options);
    writeFileSync(path, '4194305');
    expect(await withLock(path, () => 'mine', options)).toBe('mine');
    expect(lines).toEqual([]);
  });

  it('takes over a lock that was not touched for a minute', async () => {
    await withLock(path, () => {}, options);
    writeFileSync(path, String(process.pid));
    const aMinuteAgo = new Date(Date.now() - 60_000);
    utimesSync(path, aMinuteAgo, aMinuteAgo);
    expect(await withLock(path, () => 'mine', options)).toBe('mine');
  });
});
