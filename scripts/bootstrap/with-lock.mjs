import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const beatMs = 2_000;
const silentAfterMs = 30_000;
const pollMs = 200;

/**
 * Runs `work` while no other process of this checkout does. The holder touches the lock file while it lives; a lock
 * whose process is gone, or that has been silent for 30 s (another host, a reused process id), is taken over.
 */
export async function withLock(path, work, { log = console.log } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  await acquire(path, log);
  const beat = setInterval(() => touch(path), beatMs);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    release(path);
  }
}

async function acquire(path, log) {
  for (let isFirstLook = true; !tryCreate(path); isFirstLook = false) {
    const holder = readHolder(path);
    if (holder === undefined) continue;
    if (isStale({ ...holder, nowMs: Date.now(), isAlive })) {
      removeStale(path, holder);
      continue;
    }
    if (isFirstLook) log(`Waiting for process ${holder.pid}, which is installing or building here …`);
    await sleep(pollMs);
  }
}

export function isStale({ pid, touchedMs, nowMs, isAlive }) {
  return nowMs - touchedMs > silentAfterMs || !isAlive(pid);
}

function release(path) {
  if (readHolder(path)?.pid === process.pid) rmSync(path, { force: true });
}

function tryCreate(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(path) {
  try {
    return { pid: Number(readFileSync(path, 'utf8')), touchedMs: statSync(path).mtimeMs };
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Two that find the same stale lock must not remove each other's new one, so it is looked at once more. */
function removeStale(path, seen) {
  const aside = `${path}.${process.pid}`;
  try {
    if (readHolder(path)?.touchedMs !== seen.touchedMs) return;
    renameSync(path, aside);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  rmSync(aside, { force: true });
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch (error) {
    // The lock was taken over after a long stop of this process; the work goes on, both ends are idempotent.
    if (error.code !== 'ENOENT') throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
