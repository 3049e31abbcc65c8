import { Worker } from 'node:worker_threads';
import { ServingError } from '@tessera/domain';

/** What a helper thread needs to join in. */
export interface AttentionWorkerData {
  readonly module: WebAssembly.Module;
  readonly memories: readonly WebAssembly.Memory[];
  /** Where the job and this thread's scratch lie in each memory. */
  readonly places: readonly { readonly job: number; readonly scratch: number }[];
  readonly control: SharedArrayBuffer;
}

/** Words of the control block. */
export const control = { generation: 0, memory: 1, isStopped: 2 } as const;

/**
 * Threads that help the engine's own thread; they sleep between jobs. When one ends, what it had claimed is never
 * finished: no job can run any more.
 */
export class AttentionThreads {
  readonly #control = new Int32Array(new SharedArrayBuffer(64));
  readonly #workers: readonly Worker[];
  #generation = 0;
  #failure: ServingError | undefined;

  constructor(numHelpers: number, createData: (helper: number) => Omit<AttentionWorkerData, 'control'>) {
    const entry = new URL('./attention-worker.js', import.meta.url);
    this.#workers = Array.from({ length: numHelpers }, (_, helper) => {
      const workerData: AttentionWorkerData = {
        ...createData(helper),
        control: this.#control.buffer as SharedArrayBuffer,
      };
      const worker = new Worker(entry, { workerData });
      worker.unref();
      worker.on('error', (cause) => this.fail(cause));
      worker.on('exit', (code) => this.fail(new Error(`It exited with code ${code}.`)));
      return worker;
    });
  }

  /** Throws `worker_failed` once a thread has ended or `fail` was called. */
  assertAlive(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Lets no further job run, for the first cause given. */
  fail(cause: unknown): void {
    const what = cause instanceof Error ? cause.message : String(cause);
    this.#failure ??= new ServingError(
      'worker_failed',
      `A thread of the attention kernel failed: ${what}`,
      {},
      { cause },
    );
  }

  nextGeneration(): number {
    this.#generation = (this.#generation + 1) >>> 0;
    return this.#generation;
  }

  /** Wakes the helpers for the job of this generation in memory `memory`. */
  wake(memory: number): void {
    if (this.#workers.length === 0) return;
    Atomics.store(this.#control, control.memory, memory);
    Atomics.store(this.#control, control.generation, this.#generation | 0);
    Atomics.notify(this.#control, control.generation);
  }

  async stop(): Promise<void> {
    Atomics.store(this.#control, control.isStopped, 1);
    Atomics.add(this.#control, control.generation, 1);
    Atomics.notify(this.#control, control.generation);
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
