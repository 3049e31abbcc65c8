import { readFile } from 'node:fs/promises';

/** Memory of this process, in bytes. */
export interface MemoryUse {
  /** Highest resident size so far, mapped files included. */
  readonly peakResidentBytes: number;
  /** Private memory now: what cannot be read back from a file. */
  readonly anonymousBytes: number;
  readonly sharedBytes: number;
}

/** From the kernel's accounting; undefined numbers where there is none are 0. */
export async function readMemory(): Promise<MemoryUse> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const bytes = (name: string): number => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return { peakResidentBytes: bytes('VmHWM'), anonymousBytes: bytes('RssAnon'), sharedBytes: bytes('RssShmem') };
}
