import { WorkThread } from '../thread/work-thread.js';
import type { JsonShape } from './measure-json.js';
import { readJson } from './read-json.js';

/** A body of 64 MiB takes a tenth of a second; what comes back of it takes as long as copying it. */
const maxLocalBytes = 2 ** 20;

/** Each is a body that is held in memory. */
const maxWaiting = 64;

/** The built entry, from the source of this file as from what is built of it. */
const entry = new URL('../../dist/http/json-thread-entry.js', import.meta.url);

export interface JsonWork {
  readJson(bytes: Uint8Array, limits: JsonShape): unknown;
}

/** Reads small bodies at once, and large ones in a thread. */
export interface JsonDesk {
  /** What `readJson` gives; takes a large body's memory. Rejects as it throws, or as `WorkThread.run` does. */
  read(body: Buffer<ArrayBuffer>, limits: JsonShape): Promise<unknown>;
  close(): Promise<void>;
}

export function createJsonDesk(): JsonDesk {
  const thread = new WorkThread<JsonWork>({ purpose: 'reads large bodies', entry, maxWaiting });
  // It takes less time than to find out that nobody waits for it.
  const never = new AbortController().signal;
  return {
    read: async (body, limits) => {
      if (body.length <= maxLocalBytes) return readJson(body, limits);
      return thread.run('readJson', [body, limits], never, [body.buffer]);
    },
    close: () => thread.close(),
  };
}
