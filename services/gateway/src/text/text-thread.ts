import { serialize } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { deserializeError, type SerializedServingError, ServingError } from '@tessera/domain';
import type { CheckpointFiles } from '@tessera/qwen2-5-vl';
import { shuttingDown } from '../http/shutting-down.js';
import type { TextWork } from './text-work.js';

export interface TextOrder {
  readonly name: keyof TextWork;
  readonly args: readonly unknown[];
}

export type TextReply = { readonly value: unknown } | { readonly error: SerializedServingError };

interface Job {
  readonly order: TextOrder;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

export interface TextThreadOptions {
  /** Jobs that may wait; one more is refused with `queue_full`. */
  readonly maxWaiting: number;
  /** Program of the thread; tests give one that misbehaves. */
  readonly entry?: URL;
}

/** The built entry, from the source of this file as from what is built of it. */
const builtEntry = new URL('../../dist/text/text-thread-entry.js', import.meta.url);

/**
 * One thread that does text work for a checkpoint, a job at a time. It starts with the first job; a job whose client has
 * left takes its thread along, since nothing else stops it, and the next job starts another.
 */
export class TextThread {
  readonly #files: SharedArrayBuffer;
  readonly #options: TextThreadOptions;
  readonly #waiting: Job[] = [];
  #running: Job | undefined;
  #worker: Worker | undefined;
  #isClosed = false;

  constructor(files: CheckpointFiles, options: TextThreadOptions) {
    const bytes = serialize(files);
    this.#files = new SharedArrayBuffer(bytes.length);
    new Uint8Array(this.#files).set(bytes);
    this.#options = options;
  }

  /**
   * What `TextWork`'s method of this name gives. Rejects with its error, the reason of `signal`, `queue_full`,
   * `worker_failed` when the thread dies over it or cannot take it, or `shutting_down`.
   */
  run<Name extends keyof TextWork>(
    name: Name,
    args: Parameters<TextWork[Name]>,
    signal: AbortSignal,
  ): Promise<ReturnType<TextWork[Name]>> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#isClosed) throw shuttingDown();
      if (this.#waiting.length >= this.#options.maxWaiting) throw queueFull(this.#options.maxWaiting);
      const abort = () => this.#abandon(job, signal.reason);
      const settled = () => signal.removeEventListener('abort', abort);
      const job: Job = {
        order: { name, args },
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
        this.#worker.postMessage(job.order);
        this.#running = job;
      } catch (cause) {
        job.reject(failed('could not take its work', cause));
      }
    }
  }

  #startWorker(): Worker {
    const worker = new Worker(this.#options.entry ?? builtEntry, { workerData: this.#files });
    const die = (cause: unknown) => {
      if (worker === this.#worker) void this.#replaceWorker(failed('died', cause));
    };
    worker.on('message', (reply: TextReply) => {
      if (worker === this.#worker) this.#settle(reply);
    });
    worker.on('error', die);
    worker.on('exit', (code) => die(new Error(`it exited with code ${code}`)));
    return worker;
  }

  #settle(reply: TextReply): void {
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
}

function queueFull(limit: number): ServingError {
  const message = `${limit} long texts wait to be tokenised; come back later`;
  return new ServingError('queue_full', message, { limit, retryAfterSeconds: 1 });
}

function failed(what: string, cause: unknown): ServingError {
  return new ServingError('worker_failed', `the thread that tokenises long texts ${what}`, {}, { cause });
}
