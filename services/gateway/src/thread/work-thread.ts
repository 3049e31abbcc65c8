import { type Transferable, Worker } from 'node:worker_threads';
import { deserializeError, type SerializedServingError, ServingError } from '@tessera/domain';
import { shuttingDown } from '../http/shutting-down.js';

/** Work by name, each a function of what can be cloned, giving what can be cloned. */
export type ThreadWork<Work> = { readonly [Name in keyof Work]: (...args: never[]) => unknown };

export interface ThreadOrder {
  readonly name: PropertyKey;
  readonly args: readonly unknown[];
}

export type ThreadReply = { readonly value: unknown } | { readonly error: SerializedServingError };

interface Job {
  readonly order: ThreadOrder;
  readonly transfer: readonly Transferable[];
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

export interface WorkThreadOptions {
  /** What the thread does, for errors: "parses large bodies". */
  readonly purpose: string;
  /** Its program, which calls `serveWork`. */
  readonly entry: URL;
  readonly workerData?: unknown;
  /** Jobs that may wait; one more is refused with `queue_full`. */
  readonly maxWaiting: number;
}

/**
 * One thread that does work which would hold the event loop, a job at a time. It starts with the first job; a job whose
 * client has left takes its thread along, since nothing else stops it, and the next job starts another.
 */
export class WorkThread<Work extends ThreadWork<Work>> {
  readonly #options: WorkThreadOptions;
  readonly #waiting: Job[] = [];
  #running: Job | undefined;
  #worker: Worker | undefined;
  #isClosed = false;

  constructor(options: WorkThreadOptions) {
    this.#options = options;
  }

  /**
   * What the work of this name gives; the caller gives up what is in `transfer`. Rejects with the work's error, the
   * reason of `signal`, `queue_full`, `worker_failed` when the thread dies over it or cannot take it, or `shutting_down`.
   */
  run<Name extends keyof Work>(
    name: Name,
    args: Parameters<Work[Name]>,
    signal: AbortSignal,
    transfer: readonly Transferable[] = [],
  ): Promise<ReturnType<Work[Name]>> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#isClosed) throw shuttingDown();
      if (this.#waiting.length >= this.#options.maxWaiting) throw this.#queueFull();
      const abort = () => this.#abandon(job, signal.reason);
      const settled = () => signal.removeEventListener('abort', abort);
      const job: Job = {
        order: { name, args },
        transfer,
        resolve: (value) => {
          settled();
          resolve(value);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.push(job);
      this.#runNext();
    });
  }

  /** Fails what waits or runs; resolves when the thread is gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#waiting.splice(0)) job.reject(shuttingDown());
    await this.#replaceWorker(shuttingDown());
  }

  /** Hands the thread its next job; one that cannot be handed over fails alone. */
  #runNext(): void {
    while (this.#running === undefined && !this.#isClosed) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      try {
        this.#worker ??= this.#startWorker();
        this.#worker.postMessage(job.order, job.transfer);
        this.#running = job;
      } catch (cause) {
        job.reject(this.#failed('could not take its work', cause));
      }
    }
  }

  #startWorker(): Worker {
    const { entry, workerData } = this.#options;
    const worker = new Worker(entry, { workerData });
    const die = (cause: unknown) => {
      if (worker === this.#worker) void this.#replaceWorker(this.#failed('died', cause));
    };
    worker.on('message', (reply: ThreadReply) => {
      if (worker === this.#worker) this.#settle(reply);
    });
    worker.on('error', die);
    worker.on('exit', (code) => die(new Error(`it exited with code ${code}`)));
    return worker;
  }

  #settle(reply: ThreadReply): void {
    const job = this.#running;
    this.#running = undefined;
    if ('error' in reply) job?.reject(deserializeError(reply.error));
    else job?.resolve(reply.value as never);
    this.#runNext();
  }

  #abandon(job: Job, reason: unknown): void {
    if (job === this.#running) {
      void this.#replaceWorker(reason);
      return;
    }
    this.#waiting.splice(this.#waiting.indexOf(job), 1);
    job.reject(reason);
  }

  /** Ends the thread together with its job; the next job starts another. Resolves when it is gone. */
  async #replaceWorker(verdict: unknown): Promise<void> {
    const worker = this.#worker;
    const job = this.#running;
    this.#worker = undefined;
    this.#running = undefined;
    job?.reject(verdict);
    this.#runNext();
    await worker?.terminate();
  }

  #queueFull(): ServingError {
    const { maxWaiting, purpose } = this.#options;
    const message = `${maxWaiting} jobs wait for the thread that ${purpose}; come back later`;
    return new ServingError('queue_full', message, { limit: maxWaiting, retryAfterSeconds: 1 });
  }

  #failed(what: string, cause: unknown): ServingError {
    const message = `the thread that ${this.#options.purpose} ${what}`;
    return new ServingError('worker_failed', message, {}, { cause });
  }
}
