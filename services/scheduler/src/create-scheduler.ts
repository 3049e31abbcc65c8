import {
  type DecoderEngine,
  type EmbeddingSource,
  type Request,
  type Scheduler,
  type SchedulerEvent,
  ServingError,
  type VisualSegment,
} from '@tessera/domain';
import { EventQueue } from './event-queue.js';
import { defaultSchedulerConfig, type SchedulerConfig } from './scheduler-config.js';
import { Sequence } from './sequence.js';
import { Staging } from './staging.js';
import { type LoopSnapshot, StepLoop } from './step-loop.js';

/** Node.js sets no timer further ahead (24.8 days); it fires such a one at once. */
const maxTimerMs = 2 ** 31 - 1;

export interface SchedulerDeps {
  readonly decoder: DecoderEngine;
  readonly encoder: EmbeddingSource;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

export interface SchedulerSnapshot extends LoopSnapshot {
  /** Requests whose embeddings are not staged yet. */
  readonly numPreparing: number;
  readonly numStagedEmbeddings: number;
}

export interface RunningScheduler extends Scheduler {
  readonly snapshot: SchedulerSnapshot;
}

/** The scheduler of one rank group and one encoder. */
export function createScheduler(
  deps: SchedulerDeps,
  config: SchedulerConfig = defaultSchedulerConfig,
): RunningScheduler {
  return new LocalScheduler(deps, config);
}

class LocalScheduler implements RunningScheduler {
  readonly #deps: SchedulerDeps;
  readonly #config: SchedulerConfig;
  readonly #staging: Staging;
  readonly #loop: StepLoop;
  #numPreparing = 0;
  #numTickets = 0;

  constructor(deps: SchedulerDeps, config: SchedulerConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#staging = new Staging(deps.decoder);
    this.#loop = new StepLoop(deps.decoder, (sequence) => this.#releaseStaged(sequence));
  }

  get snapshot(): SchedulerSnapshot {
    const numStagedEmbeddings = this.#staging.numStaged;
    return { ...this.#loop.snapshot, numPreparing: this.#numPreparing, numStagedEmbeddings };
  }

  async *generate(request: Request, signal: AbortSignal): AsyncGenerator<SchedulerEvent> {
    this.#assertAdmissible(request);
    const sequence = new Sequence(request, new EventQueue());
    if (sequence.resumedEnd) {
      sequence.finish(sequence.resumedEnd);
      return yield* sequence.events;
    }
    const { stop, endSignal } = this.#watch(sequence, signal);
    try {
      if (sequence.visuals.length > 0 || sequence.isCancelled) void this.#prepare(sequence, endSignal);
      else this.#loop.add(sequence);
      yield* sequence.events;
    } finally {
      stop();
      this.#loop.cancel(sequence);
    }
  }

  #assertAdmissible(request: Request): void {
    const { numWaiting } = this.#loop.snapshot;
    const numQueued = numWaiting + this.#numPreparing;
    const { maxWaitingRequests } = this.#config;
    if (numQueued >= maxWaitingRequests) {
      throw new ServingError('queue_full', `${numQueued} requests are waiting; the limit is ${maxWaitingRequests}.`, {
        limit: maxWaitingRequests,
        retryAfterSeconds: 1,
      });
    }
    const { maxContextLen } = this.#deps.decoder.description;
    const length = request.tokenIds.length + request.maxTokens;
    if (length > maxContextLen) {
      throw new ServingError(
        'context_length_exceeded',
        `Prompt and answer need ${length} positions; the context holds ${maxContextLen}.`,
        { limit: maxContextLen, given: length },
      );
    }
  }

  /** Ends the sequence when the caller aborts or the deadline passes. */
  #watch(sequence: Sequence, signal: AbortSignal): { stop: () => void; endSignal: AbortSignal } {
    const ending = new AbortController();
    const end = (error: ServingError): void => {
      sequence.events.fail(error);
      ending.abort(error);
      this.#loop.cancel(sequence);
    };
    const onAbort = (): void => end(new ServingError('cancelled', 'The request was cancelled.'));
    const { deadlineMs } = sequence.request;
    const timer =
      deadlineMs === undefined
        ? undefined
        : setTimeout(
            () => end(new ServingError('deadline_exceeded', 'The deadline passed before the answer was complete.')),
            Math.min(Math.max(0, deadlineMs - this.#deps.now()), maxTimerMs),
          );
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const stop = (): void => {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(timer);
      ending.abort();
    };
    return { stop, endSignal: ending.signal };
  }

  /** Gets every visual encoded and staged, then queues the sequence. */
  async #prepare(sequence: Sequence, signal: AbortSignal): Promise<void> {
    this.#numPreparing++;
    try {
      // All must have settled before anything is released, or a late one would stay staged.
      const distinct = new Map(sequence.visuals.map((visual) => [visual.embeddingKey, visual]));
      const staged = await Promise.allSettled([...distinct.values()].map((v) => this.#stage(sequence, v, signal)));
      for (const outcome of staged) if (outcome.status === 'rejected') throw outcome.reason;
    } catch (error) {
      sequence.events.fail(error as Error);
      sequence.isCancelled = true;
    } finally {
      this.#numPreparing--;
    }
    if (sequence.isCancelled || signal.aborted) this.#releaseStaged(sequence);
    else this.#loop.add(sequence);
  }

  async #stage(sequence: Sequence, visual: VisualSegment, signal: AbortSignal): Promise<void> {
    const { encoder } = this.#deps;
    const { embeddingKey, mediaIndex } = visual;
    while (!signal.aborted) {
      if (!encoder.holds(embeddingKey)) {
        const ticket = `${sequence.id}/${mediaIndex}/${this.#numTickets++}`;
        sequence.events.push({ kind: 'encodeHere', mediaIndex, encoderAddress: encoder.address, ticket });
      }
      await encoder.waitUntilReady(embeddingKey, signal);
      if (!(await this.#staging.acquire(embeddingKey, () => encoder.fetch(embeddingKey)))) continue;
      sequence.staged.add(embeddingKey);
      return;
    }
  }

  #releaseStaged(sequence: Sequence): void {
    for (const key of sequence.staged) void this.#staging.release(key);
    sequence.staged.clear();
  }
}
