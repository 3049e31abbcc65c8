import { parentPort, type TransferListItem } from 'node:worker_threads';
import { serializeWorkerError } from './worker-error.js';
import type { WorkerCall, WorkerHello, WorkerReply } from './worker-protocol.js';

/** A method as the worker runs it; buffers in `transfer` move to the caller instead of being copied. */
export type WorkerMethod = (
  ...args: never[]
) => Promise<{ readonly value?: unknown; readonly transfer?: TransferListItem[] } | undefined>;

export interface ServedEngine<Description> {
  readonly description: Description;
  /** Run one after the other, in the order of the calls. */
  readonly methods: Readonly<Record<string, WorkerMethod>>;
  /** Run as soon as they are called, beside whatever runs. */
  readonly urgentMethods?: Readonly<Record<string, WorkerMethod>>;
}

/** Loads an engine in this worker thread, says hello, then runs the calls that come in. */
export async function serveEngine<Description>(load: () => Promise<ServedEngine<Description>>): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('serveEngine runs in a worker thread only.');
  try {
    const { description, methods, urgentMethods = {} } = await load();
    const answer = async (call: WorkerCall, known: ServedEngine<Description>['methods']): Promise<void> => {
      const { reply, transfer } = await run(call, known);
      port.postMessage(reply, transfer);
    };
    let last: Promise<void> = Promise.resolve();
    port.on('message', (call: WorkerCall) => {
      if (Object.hasOwn(urgentMethods, call.method)) void answer(call, urgentMethods);
      else last = last.then(() => answer(call, methods));
    });
    port.postMessage({ description } satisfies WorkerHello<Description>);
  } catch (error) {
    port.postMessage({ error: serializeWorkerError(error) } satisfies WorkerHello<Description>);
  }
}

async function run(
  { callId, method, args }: WorkerCall,
  methods: Readonly<Record<string, WorkerMethod>>,
): Promise<{ reply: WorkerReply; transfer: TransferListItem[] }> {
  try {
    const result = await methods[method](...(args as never[]));
    return { reply: { callId, value: result?.value }, transfer: result?.transfer ?? [] };
  } catch (error) {
    return { reply: { callId, error: serializeWorkerError(error) }, transfer: [] };
  }
}
