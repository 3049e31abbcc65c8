import type { EncodeJob } from '@tessera/domain';
import { untilAborted } from '../media/until-aborted.js';

/** One run of the tower for all who ask for the same embedding, from the first upload to the end. */
export class EncodeRun {
  readonly job: EncodeJob;
  readonly tenant: string;
  readonly numPatches: number;
  /** Bytes of the picture once it is decoded and cut to size. */
  readonly numPixelBytes: number;
  readonly #done: Promise<void>;
  readonly #abort = new AbortController();
  readonly #tickets = new Set<string>();
  readonly #onAbandoned: (run: EncodeRun) => void;
  #numWaiting = 0;
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  /** `onAbandoned` is called whenever the last one who waited has left; others may still join. */
  constructor(job: EncodeJob, onAbandoned: (run: EncodeRun) => void) {
    const { grid, processing, tenant } = job;
    this.job = job;
    this.tenant = tenant;
    this.numPatches = grid.t * grid.h * grid.w;
    this.numPixelBytes = processing.resizedHeight * processing.resizedWidth * 3;
    this.#onAbandoned = onAbandoned;
    this.#done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Everybody who waits gets the rejection; without anybody left it is of no interest.
    this.#done.catch(() => {});
  }

  /** Aborts when the run is cancelled. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Of all who ever joined. */
  get tickets(): readonly string[] {
    return [...this.#tickets];
  }

  /** Waits for the end; rejects with `cancelled` as soon as `signal` aborts, which must not have happened yet. */
  async join(ticket: string, signal: AbortSignal): Promise<void> {
    this.#tickets.add(ticket);
    this.#numWaiting++;
    const leave = (): void => {
      if (--this.#numWaiting === 0) this.#onAbandoned(this);
    };
    signal.addEventListener('abort', leave, { once: true });
    try {
      await untilAborted(this.#done, signal);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  succeed(): void {
    this.#resolve();
  }

  /** Whatever still works for it is told to stop. */
  fail(error: Error): void {
    this.#abort.abort(error);
    this.#reject(error);
  }
}
