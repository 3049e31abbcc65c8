import { parentPort } from 'node:worker_threads';
import { serializeError } from '@tessera/domain';
import type { ThreadOrder, ThreadReply, ThreadWork } from './work-thread.js';

/** Does in this thread what a `WorkThread` orders from another. */
export function serveWork<Work extends ThreadWork<Work>>(work: Work): void {
  const port = parentPort!;
  const reply = (message: ThreadReply) => port.postMessage(message);
  port.on('message', ({ name, args }: ThreadOrder) => {
    try {
      reply({ value: work[name as keyof Work](...(args as never[])) });
    } catch (error) {
      reply({ error: serializeError(error) });
    }
  });
}
