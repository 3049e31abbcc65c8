import { readMemoryBytes } from './process-memory.js';

const pollMs = 10;

/** The most memory that a process and all that it started had while `work` ran, in bytes, as seen every 10 ms. */
export async function peakMemoryBytes(pid: number, work: () => Promise<unknown>): Promise<number> {
  let peakBytes = 0;
  const look = () => {
    peakBytes = Math.max(peakBytes, readMemoryBytes(pid));
  };
  const timer = setInterval(look, pollMs);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return peakBytes;
}
