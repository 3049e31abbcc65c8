import { ServingError } from '@tessera/domain';
import type { RgbImage } from '@tessera/qwen2-5-vl';
import type { DecodeJob } from './decode-job.js';
import { type DecoderLimits, DecoderProcess } from './decoder-process.js';
import { cancelled, untilAborted } from './until-aborted.js';

export interface MediaDecoderOptions extends DecoderLimits {
  /** Pictures decoded at the same time, each in a process of its own. */
  readonly numProcesses: number;
  /** Larger pictures are refused by their header. */
  readonly maxPixels: number;
  /** Program of a decoder process; tests give one that misbehaves. */
  readonly entry?: URL;
}

/** Decodes pictures where nothing they do can harm this process. */
export interface MediaDecoderPool {
  /**
   * The picture upright, on white, resized: [resizedHeight, resizedWidth, 3] uint8. Rejects with a ServingError:
   * `unsupported_media_type`, `media_undecodable`, `media_too_large`, `media_decode_timeout`, `cancelled`,
   * `shutting_down`, `worker_failed`. A job whose signal aborts is forgotten; if it runs, its result is dropped.
   */
  decode(job: DecodeJob, signal: AbortSignal): Promise<RgbImage>;
  /** Fails what waits or runs; resolves when all processes are gone. */
  close(): Promise<void>;
}

/** Processes start with the first pictures and are used again; one that was killed or has grown large is replaced. */
export function createMediaDecoderPool(options: MediaDecoderOptions): MediaDecoderPool {
  return new ProcessPool(options);
}

interface Waiter {
  readonly resolve: (process: DecoderProcess) => void;
  readonly reject: (error: ServingError) => void;
}

class ProcessPool implements MediaDecoderPool {
  readonly #options: MediaDecoderOptions;
  readonly #processes = new Set<DecoderProcess>();
  readonly #idle: DecoderProcess[] = [];
  readonly #waiters: Waiter[] = [];
  #isClosed = false;

  constructor(options: MediaDecoderOptions) {
    this.#options = options;
  }

  async decode(job: DecodeJob, signal: AbortSignal): Promise<RgbImage> {
    if (signal.aborted) throw cancelled(signal);
    const acquired = this.#acquire();
    const process = await untilAborted(acquired, signal).catch((error: unknown) => {
      // A turn that comes after the abort goes to the next in the queue.
      acquired.then((late) => this.#release(late)).catch(() => {});
      throw error;
    });
    const decoded = process.run({ job, maxPixels: this.#options.maxPixels });
    const release = () => this.#release(process);
    decoded.then(release, release);
    return untilAborted(decoded, signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { reject } of this.#waiters.splice(0)) reject(shuttingDown());
    const processes = [...this.#processes];
    for (const process of processes) process.kill(shuttingDown());
    await Promise.all(processes.map(({ exited }) => exited));
  }

  async #acquire(): Promise<DecoderProcess> {
    if (this.#isClosed) throw shuttingDown();
    return (
      this.#takeIdle() ??
      this.#startIfAllowed() ??
      (await new Promise<DecoderProcess>((resolve, reject) => {
        this.#waiters.push({ resolve, reject });
      }))
    );
  }

  #release(process: DecoderProcess): void {
    if (process.isUsable && !this.#isOvergrown(process)) this.#idle.push(process);
    else this.#retire(process);
    if (this.#isClosed || this.#waiters.length === 0) return;
    const next = this.#takeIdle() ?? this.#startIfAllowed();
    if (next !== undefined) this.#waiters.shift()?.resolve(next);
  }

  #takeIdle(): DecoderProcess | undefined {
    for (let process = this.#idle.pop(); process !== undefined; process = this.#idle.pop()) {
      if (process.isUsable) return process;
    }
    return undefined;
  }

  #startIfAllowed(): DecoderProcess | undefined {
    const { numProcesses, entry = new URL('./decode-child.js', import.meta.url) } = this.#options;
    if (this.#processes.size >= numProcesses) return undefined;
    const process = new DecoderProcess(entry, this.#options);
    this.#processes.add(process);
    void process.exited.then(() => this.#processes.delete(process));
    return process;
  }

  /** What it still holds would count against the next picture, which is not to blame. */
  #isOvergrown(process: DecoderProcess): boolean {
    return (process.rssBytes ?? 0) > this.#options.maxMemoryBytes / 2;
  }

  #retire(process: DecoderProcess): void {
    this.#processes.delete(process);
    process.kill(shuttingDown());
  }
}

function shuttingDown(): ServingError {
  return new ServingError('shutting_down', 'The media decoders are shutting down.');
}
