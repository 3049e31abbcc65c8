import { setImmediate } from 'node:timers/promises';

/** Work of about a millisecond on two-core servers, whether hashing or decoding base64. */
const sliceLen = 2 ** 20;

/** Calls `work` on consecutive ranges of 0 … length, at most 1 Mi long and multiples of 4 but for the last, with a turn of the event loop between. */
export async function inSlices(length: number, work: (start: number, end: number) => void): Promise<void> {
  for (let start = 0; start < length; start += sliceLen) {
    if (start > 0) await setImmediate();
    work(start, Math.min(start + sliceLen, length));
  }
}
