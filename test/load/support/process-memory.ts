import { readdirSync, readFileSync } from 'node:fs';

/**
 * Memory of a process and of all that it started, in bytes: what cannot be read back from a file (RssAnon + RssShmem).
 */
export function readMemoryBytes(pid: number): number {
  return withDescendants(pid).reduce((sum, each) => sum + ownMemoryBytes(each), 0);
}

function ownMemoryBytes(pid: number): number {
  const status = readIfThere(`/proc/${pid}/status`);
  const bytes = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return bytes('RssAnon') + bytes('RssShmem');
}

function withDescendants(pid: number): number[] {
  const children = threadsOf(pid).flatMap((thread) =>
    readIfThere(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(withDescendants)];
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // It ended meanwhile.
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It ended meanwhile.
  }
}
