import { serialize } from 'node:v8';
import type { CheckpointFiles } from '@tessera/qwen2-5-vl';
import { WorkThread } from '../thread/work-thread.js';
import type { TextWork } from './text-work.js';

/** Each is a request that is held in memory. */
const maxWaiting = 64;

/** The built entry, from the source of this file as from what is built of it. */
const entry = new URL('../../dist/text/text-thread-entry.js', import.meta.url);

/** A thread that does text work for a checkpoint. */
export function createTextThread(files: CheckpointFiles): WorkThread<TextWork> {
  const bytes = serialize(files);
  const workerData = new SharedArrayBuffer(bytes.length);
  new Uint8Array(workerData).set(bytes);
  return new WorkThread<TextWork>({ purpose: 'tokenises long texts', entry, workerData, maxWaiting });
}
