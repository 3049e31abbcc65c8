import { Worker } from 'node:worker_threads';
import { deserializeError, ServingError } from '@tessera/domain';
import type { MatrixWeight } from '../weights/matrix-weight.js';
import type { EncodedTensors, EncodeReply, EncodeWorkerData } from './encode-worker.js';

interface PendingWeight {
  readonly resolve: (tensors: EncodedTensors) => void;
  readonly reject: (error: Error) => void;
}

/** From the sources too, where tests run, the thread runs what was built: Node.js reads no TypeScript. */
const entry = new URL('../../dist/compile/encode-worker.js', import.meta.url);

/** A thread that reads and encodes weights of a checkpoint folder, one after the other. */
export class EncodeThread {
  readonly #worker: Worker;
  readonly #pending: PendingWeight[] = [];
  #failure: ServingError | undefined;

  constructor(checkpointDir: string) {
    this.#worker = new Worker(entry, { workerData: { checkpointDir } satisfies EncodeWorkerData });
    this.#worker.on('message', (reply: EncodeReply) => this.#settle(reply));
    this.#worker.on('error', (cause) => this.#fail(cause.message, cause));
    this.#worker.on('exit', (code) => this.#fail(`it ended with ${code}`));
  }

  /** All external tensors of a weight, held in memory. Throws what reading the checkpoint throws, and `worker_failed`. */
  async encode(weight: MatrixWeight): Promise<EncodedTensors> {
    if (this.#failure) throw this.#failure;
    return new Promise((resolve, reject) => {
      this.#pending.push({ resolve, reject });
      this.#worker.postMessage(weight);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(reply: EncodeReply): void {
    const pending = this.#pending.shift();
    if ('error' in reply) pending?.reject(deserializeError(reply.error));
    else pending?.resolve(reply.tensors);
  }

  #fail(reason: string, cause?: unknown): void {
    this.#failure ??= new ServingError(
      'worker_failed',
      `A thread that encodes weights failed: ${reason}.`,
      {},
      { cause },
    );
    for (const { reject } of this.#pending.splice(0)) reject(this.#failure);
  }
}
