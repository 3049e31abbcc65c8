import {
  type DecoderEngine,
  type LaneId,
  laneId,
  pagesFor,
  type SequenceOutput,
  ServingError,
  type StepPlan,
  type StepResult,
} from '@tessera/domain';
import { PagePool } from './page-pool.js';
import { planStep } from './plan-step.js';
import type { Sequence } from './sequence.js';

/** What the loop holds now. */
export interface LoopSnapshot {
  readonly numWaiting: number;
  readonly numRunning: number;
  readonly numFreePages: number;
  readonly numPages: number;
  readonly numFreeLanes: number;
  /** Why no request can run any more; what the loop holds is then of no account. */
  readonly failure: Error | undefined;
}

/**
 * Continuous batching over one rank group: a step computes whatever every running sequence still needs, and sequences
 * come and go between steps. A sequence gets all the pages that it may ever need before it runs, so none is preempted.
 */
export class StepLoop {
  readonly #decoder: DecoderEngine;
  readonly #onEnd: (sequence: Sequence) => void;
  readonly #pages: PagePool;
  readonly #freeLanes: LaneId[];
  readonly #waiting: Sequence[] = [];
  readonly #running = new Set<Sequence>();
  #released: LaneId[] = [];
  #numSteps = 0;
  #isStepping = false;
  #failure: Error | undefined;

  /** `onEnd` is called once for every sequence, when it holds no lane and no page any more. */
  constructor(decoder: DecoderEngine, onEnd: (sequence: Sequence) => void) {
    const { kvLayout, numLanes } = decoder.description;
    this.#decoder = decoder;
    this.#onEnd = onEnd;
    this.#pages = new PagePool(kvLayout.numPages);
    this.#freeLanes = Array.from({ length: numLanes }, (_, i) => laneId(numLanes - 1 - i));
  }

  /** Queues a sequence whose embeddings are staged. */
  add(sequence: Sequence): void {
    if (this.#failure) {
      this.#end(sequence, this.#failure);
      return;
    }
    this.#waiting.push(sequence);
    this.#admitWaiting();
    void this.#run();
  }

  /** Takes a sequence out; its lane and pages are free when the running step is over. */
  cancel(sequence: Sequence): void {
    sequence.isCancelled = true;
    void this.#run();
  }

  get snapshot(): LoopSnapshot {
    return {
      numWaiting: this.#waiting.length,
      numRunning: this.#running.size,
      numFreePages: this.#pages.numFree,
      numPages: this.#pages.numPages,
      numFreeLanes: this.#freeLanes.length,
      failure: this.#failure,
    };
  }

  /** Steps until nobody runs. Never rejects: bookkeeping that broke ends every sequence. */
  async #run(): Promise<void> {
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      while (!this.#failure) {
        this.#dropCancelled();
        this.#admitWaiting();
        if (this.#running.size === 0) break;
        await this.#step();
      }
    } catch (cause) {
      this.#failAll(new ServingError('internal', `The step loop broke: ${(cause as Error).message}.`, {}, { cause }));
    } finally {
      this.#isStepping = false;
    }
  }

  async #step(): Promise<void> {
    const released = this.#released;
    this.#released = [];
    const { maxStepTokens } = this.#decoder.description;
    const plan = planStep(this.#numSteps++, [...this.#running], released, { maxStepTokens });
    const sequences = new Map([...this.#running].map((sequence) => [sequence.residence?.lane, sequence]));
    let result: StepResult;
    try {
      result = await this.#decoder.step(plan);
    } catch (error) {
      return this.#failStep(plan, error as Error);
    }
    const outputs = new Map(result.outputs.map((output) => [output.lane, output]));
    for (const { lane, input, samples } of plan.chunks) {
      const sequence = sequences.get(lane) as Sequence;
      sequence.isAdmitted = true;
      sequence.waitsSinceStep = plan.stepId + 1;
      sequence.numComputed += input.kind === 'known' ? input.numTokens : 1;
      if (samples) this.#deliver(sequence, outputs.get(lane));
    }
  }

  /** Passes on what a sequence sampled. One that could sample nothing ends with an error, alone. */
  #deliver(sequence: Sequence, output: SequenceOutput | undefined): void {
    if (!output) throw new Error(`a step says nothing of ${sequence.id}`);
    if (sequence.isCancelled) return;
    const { tokens } = output;
    if (tokens.length === 0) this.#leave(sequence, noTokenError());
    else sequence.events.push({ kind: 'tokens', tokens });
    for (const token of tokens) {
      const reason = sequence.accept(token);
      if (!reason) continue;
      sequence.finish(reason);
      this.#leave(sequence);
      return;
    }
  }

  #dropCancelled(): void {
    for (const sequence of this.#running) if (sequence.isCancelled) this.#leave(sequence);
    for (const sequence of this.#waiting.filter(({ isCancelled }) => isCancelled)) {
      this.#waiting.splice(this.#waiting.indexOf(sequence), 1);
      this.#end(sequence);
    }
  }

  /** In order of arrival; the first that finds no room waits, and all behind it. */
  #admitWaiting(): void {
    for (;;) {
      const sequence = this.#waiting[0];
      const lane = this.#freeLanes.at(-1);
      if (!sequence || lane === undefined) return;
      const pages = this.#pages.allocate(pagesFor(sequence.maxLen, this.#decoder.description.kvLayout.pageLen));
      if (!pages) return;
      this.#freeLanes.pop();
      this.#waiting.shift();
      sequence.residence = { lane, pages };
      sequence.waitsSinceStep = this.#numSteps;
      this.#running.add(sequence);
    }
  }

  #leave(sequence: Sequence, error?: Error): void {
    const { residence } = sequence;
    if (!residence) throw new Error(`Sequence ${sequence.id} leaves without having run.`);
    this.#running.delete(sequence);
    this.#pages.free(residence.pages);
    this.#freeLanes.push(residence.lane);
    if (sequence.isAdmitted) this.#released.push(residence.lane);
    sequence.residence = undefined;
    this.#end(sequence, error);
  }

  #end(sequence: Sequence, error?: Error): void {
    if (error) sequence.events.fail(error);
    else sequence.events.end();
    this.#onEnd(sequence);
  }

  /**
   * Nothing of a failed step counts, its releases included; the sequences that it computed fail. A dead worker ends the
   * loop, after any other error it goes on with the rest.
   */
  #failStep({ chunks, released }: StepPlan, error: Error): void {
    const isFatal = error instanceof ServingError && error.reason === 'worker_failed';
    const computed = new Set(chunks.map(({ lane }) => lane));
    this.#released = released.filter((lane) => !computed.has(lane));
    for (const sequence of [...this.#running]) {
      if (!isFatal && !computed.has(sequence.residence?.lane as LaneId)) continue;
      sequence.isAdmitted = true;
      this.#leave(sequence, error);
    }
    if (isFatal) this.#failAll(error);
  }

  /** The loop is over for good: whoever runs or waits ends with the error, and so does everybody who comes. */
  #failAll(error: ServingError): void {
    this.#failure = error;
    const sequences = [...this.#running, ...this.#waiting.splice(0)];
    this.#running.clear();
    for (const sequence of sequences) {
      sequence.residence = undefined;
      this.#end(sequence, error);
    }
  }
}

function noTokenError(): ServingError {
  return new ServingError('internal', 'No token can be chosen: all logits are masked or not numbers.');
}
