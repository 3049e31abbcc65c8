import { once } from 'node:events';
import { type TransferListItem, Worker } from 'node:worker_threads';
import { ServingError } from '@tessera/domain';
import { deserializeWorkerError } from './worker-error.js';
import type { WorkerCall, WorkerHello, WorkerReply } from './worker-protocol.js';

interface PendingCall {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** The life of an engine's thread. */
export interface EngineThread {
  /** Why it can run nothing any more; undefined while it can. */
  readonly failure: Error | undefined;
  /** Resolves with `failure` when it comes to that; an end that was asked for is none. */
  readonly failed: Promise<Error>;
}

/**
 * An engine in a worker thread, seen from outside: calls run there one after the other. When the thread dies, every
 * pending and later call rejects with `worker_failed`.
 */
export class WorkerClient<Description> implements EngineThread {
  readonly description: Description;
  readonly failed: Promise<Error>;
  readonly #worker: Worker;
  readonly #pending = new Map<number, PendingCall>();
  #numCalls = 0;
  #failure: Error | undefined;
  #isClosing = false;
  #reportFailure: (failure: Error) => void = () => {};

  private constructor(worker: Worker, description: Description) {
    this.#worker = worker;
    this.description = description;
    this.failed = new Promise((resolve) => {
      this.#reportFailure = resolve;
    });
    worker.on('message', (reply: WorkerReply) => this.#settle(reply));
    worker.on('error', (cause) => this.#fail(`failed: ${cause.message}`, cause));
    worker.on('exit', (code) => this.#fail(`exited with code ${code}`));
  }

  /** Starts `entry` with `workerData` and waits until its engine is loaded. */
  static async start<Description>(entry: URL, workerData: unknown): Promise<WorkerClient<Description>> {
    const worker = new Worker(entry, { workerData });
    const hello = await firstMessage<WorkerHello<Description>>(worker);
    if ('error' in hello) {
      await worker.terminate();
      throw deserializeWorkerError(hello.error);
    }
    return new WorkerClient(worker, hello.description);
  }

  call<Value>(method: string, args: readonly unknown[], transfer: readonly TransferListItem[] = []): Promise<Value> {
    if (this.#failure) return Promise.reject(this.#failure);
    const callId = this.#numCalls++;
    return new Promise((resolve, reject) => {
      // Throws for what cannot be sent; then there is no reply to wait for.
      this.#worker.postMessage({ callId, method, args } satisfies WorkerCall, transfer);
      this.#pending.set(callId, { resolve, reject });
    });
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Calls that wait for their reply. */
  get numPending(): number {
    return this.#pending.size;
  }

  /** Lets the engine close itself, then ends the thread, whether or not it could. */
  async close(): Promise<void> {
    this.#isClosing = true;
    try {
      if (!this.#failure) await this.call('close', []);
    } finally {
      await this.#worker.terminate();
    }
  }

  #settle(reply: WorkerReply): void {
    const pending = this.#pending.get(reply.callId);
    this.#pending.delete(reply.callId);
    if ('error' in reply) pending?.reject(deserializeWorkerError(reply.error));
    else pending?.resolve(reply.value as never);
  }

  #fail(what: string, cause?: Error): void {
    this.#failure ??= new ServingError('worker_failed', `The engine thread ${what}.`, {}, { cause });
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
    if (!this.#isClosing) this.#reportFailure(this.#failure);
  }
}

/** The first thing a worker says; rejects with `worker_failed` when it fails or ends before. */
async function firstMessage<Message>(worker: Worker): Promise<Message> {
  const settled = new AbortController();
  const { signal } = settled;
  try {
    const exited = once(worker, 'exit', { signal }).then(([code]) => {
      throw new Error(`it exited with code ${code}`);
    });
    const [message] = await Promise.race([once(worker, 'message', { signal }), exited]);
    return message as Message;
  } catch (cause) {
    const { message } = cause as Error;
    throw new ServingError('worker_failed', `The engine thread failed before it was ready: ${message}`, {}, { cause });
  } finally {
    settled.abort();
  }
}
