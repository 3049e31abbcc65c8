import { ServingError, type VisualInput } from '@tessera/domain';
import type { EncodeRun } from './encode-run.js';
import { FairQueue } from './fair-queue.js';

export interface PipelineLimits {
  /** Patches that pictures in one call of the tower have together; one picture alone may have more. */
  readonly batchPatches: number;
  /** Pictures being decoded at the same time. */
  readonly numDecoders: number;
  /** Pixels of pictures that left the queue, decoded or about to be; one picture alone may have more. */
  readonly maxDecodedBytes: number;
  readonly maxQueuedJobs: number;
  /** Sources of the jobs in the queue together. */
  readonly maxQueuedBytes: number;
}

/** What the pipeline has done by others. */
export interface PipelineStages {
  decode(run: EncodeRun): Promise<VisualInput>;
  /** One outcome a visual; never rejects. */
  encode(visuals: readonly VisualInput[]): Promise<readonly (Float32Array | Error)[]>;
  /** Called once for every run that was added and not dropped. */
  settle(run: EncodeRun, outcome: Float32Array | Error): void;
}

interface TakenRun {
  readonly run: EncodeRun;
  /** Undefined while it is being decoded. */
  visual?: VisualInput;
}

interface DecodedRun extends TakenRun {
  readonly visual: VisualInput;
}

/**
 * The way of a picture: the next ones are decoded while the tower runs.
 *
 *     add ─▶ fair queue ─▶ ahead: decoding, decoded ─▶ batch in the tower ─▶ settle
 *            jobs, bytes     pixels, decoders            patches
 *
 * Batches take what is decoded in the order in which it left the queue: a picture that decodes for long delays nobody.
 */
export class EncodePipeline {
  readonly #stages: PipelineStages;
  readonly #limits: PipelineLimits;
  readonly #queue = new FairQueue<EncodeRun>();
  #ahead: TakenRun[] = [];
  #batch: readonly DecodedRun[] = [];
  #numQueuedBytes = 0;
  #numDecoding = 0;

  constructor(stages: PipelineStages, limits: PipelineLimits) {
    this.#stages = stages;
    this.#limits = limits;
  }

  get numQueuedJobs(): number {
    return this.#queue.numJobs;
  }

  get numQueuedBytes(): number {
    return this.#numQueuedBytes;
  }

  /** Throws `queue_full`, naming the limit. */
  add(run: EncodeRun): void {
    const { maxQueuedJobs, maxQueuedBytes } = this.#limits;
    const numBytes = this.#numQueuedBytes + run.job.source.byteLength;
    if (this.#queue.numJobs >= maxQueuedJobs) throw queueFull('pictures', this.#queue.numJobs + 1, maxQueuedJobs);
    if (numBytes > maxQueuedBytes) throw queueFull('bytes of pictures', numBytes, maxQueuedBytes);
    this.#queue.push(run);
    this.#numQueuedBytes = numBytes;
    this.#advance();
  }

  /** Takes out a run that the tower has not begun; false when it has. */
  drop(run: EncodeRun): boolean {
    const isDropped = this.#dequeue(run) || this.#leaveAhead(run);
    if (isDropped) this.#advance();
    return isDropped;
  }

  /** Settles all that the tower has not begun with `error`. */
  clear(error: Error): void {
    const runs = [...this.#ahead.map(({ run }) => run), ...this.#queue];
    for (const run of runs) if (this.#dequeue(run) || this.#leaveAhead(run)) this.#stages.settle(run, error);
  }

  #advance(): void {
    while (this.#mayDecodeNext()) void this.#decode(this.#takeNext());
    if (this.#batch.length === 0) void this.#encode(this.#takeBatch());
    if (this.#queue.numJobs + this.#ahead.length + this.#batch.length === 0) this.#queue.resetClocks();
  }

  #mayDecodeNext(): boolean {
    const next = this.#queue.peek();
    if (next === undefined || this.#numDecoding >= this.#limits.numDecoders) return false;
    const numBytes = [...this.#ahead, ...this.#batch].reduce((sum, { run }) => sum + run.numPixelBytes, 0);
    return numBytes === 0 || numBytes + next.numPixelBytes <= this.#limits.maxDecodedBytes;
  }

  #takeNext(): EncodeRun {
    const run = this.#queue.take();
    if (run === undefined) throw new Error(`The queue of ${this.#queue.numJobs} jobs had none to take.`);
    this.#numQueuedBytes -= run.job.source.byteLength;
    return run;
  }

  async #decode(run: EncodeRun): Promise<void> {
    const taken: TakenRun = { run };
    this.#ahead.push(taken);
    this.#numDecoding++;
    try {
      taken.visual = await this.#stages.decode(run);
    } catch (error) {
      if (this.#leaveAhead(run)) this.#stages.settle(run, error as Error);
    }
    this.#numDecoding--;
    this.#advance();
  }

  async #encode(batch: readonly DecodedRun[]): Promise<void> {
    if (batch.length === 0) return;
    this.#batch = batch;
    const outcomes = await this.#stages.encode(batch.map(({ visual }) => visual));
    for (const [i, { run }] of batch.entries()) this.#stages.settle(run, outcomes[i]);
    this.#batch = [];
    this.#advance();
  }

  #takeBatch(): readonly DecodedRun[] {
    const batch: DecodedRun[] = [];
    let numPatches = 0;
    for (const taken of this.#ahead.filter(isDecoded)) {
      numPatches += taken.run.numPatches;
      if (batch.length > 0 && numPatches > this.#limits.batchPatches) break;
      batch.push(taken);
    }
    for (const { run } of batch) this.#leaveAhead(run);
    return batch;
  }

  #dequeue(run: EncodeRun): boolean {
    if (!this.#queue.remove(run)) return false;
    this.#numQueuedBytes -= run.job.source.byteLength;
    return true;
  }

  #leaveAhead(run: EncodeRun): boolean {
    const index = this.#ahead.findIndex((taken) => taken.run === run);
    if (index < 0) return false;
    this.#ahead.splice(index, 1);
    return true;
  }
}

function isDecoded(taken: TakenRun): taken is DecodedRun {
  return taken.visual !== undefined;
}

function queueFull(what: string, given: number, limit: number): ServingError {
  const message = `${given} ${what} would wait for the encoder; at most ${limit} may.`;
  return new ServingError('queue_full', message, { limit, given, retryAfterSeconds: 1 });
}
