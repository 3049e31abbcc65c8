import { readFileSync } from 'node:fs';

const pageBytes = 4096;

/**
 * Resident memory of a process, or undefined when it is gone or the system has no /proc: there, only the limit on
 * pixels bounds a decoder's memory.
 */
export function readRssBytes(pid: number): number | undefined {
  try {
    const [, numResidentPages] = readFileSync(`/proc/${pid}/statm`, 'ascii').split(' ');
    return Number(numResidentPages) * pageBytes;
  } catch {
    // Gone between two looks, or not Linux.
    return undefined;
  }
}
