// Entry of the text thread: started by TextThread, never imported.
import { deserialize } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { serializeError } from '@tessera/domain';
import { createProcessor } from '@tessera/qwen2-5-vl';
import type { TextOrder, TextReply } from './text-thread.js';
import { createTextWork } from './text-work.js';

const work = createTextWork(createProcessor(deserialize(Buffer.from(workerData as SharedArrayBuffer))));
const port = parentPort!;

port.on('message', ({ name, args }: TextOrder) => {
  try {
    reply({ value: (work[name] as (...given: unknown[]) => unknown)(...args) });
  } catch (error) {
    reply({ error: serializeError(error) });
  }
});

function reply(message: TextReply): void {
  port.postMessage(message);
}
