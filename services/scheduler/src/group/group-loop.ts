import {
  type EmbeddingKey,
  type RankGroup,
  type SampledToken,
  type SequenceOutput,
  ServingError,
  type StepResult,
} from '@tessera/domain';
import type { Sequence } from '../sequence.js';
import { Staging, type StagingOptions } from '../visuals/staging.js';
import { contradictionOf } from './contradiction-of.js';
import { GroupState } from './group-state.js';
import { type PlannedChunk, type PlannedStep, type PlanSource, planStep, tokensInStep } from './plan-step.js';
import { publishPages, withdrawPages } from './publish-pages.js';

/** What the loop asks of the scheduler around it. */
export interface GroupLoopHooks extends Pick<StagingOptions, 'holderOf' | 'onMiss'> {
  /** Brings the next sequence onto the group; see `PlanSource`. */
  admitNext(loop: GroupLoop, isPlanned: (sequence: Sequence) => boolean): Sequence | undefined;
  /** Whether the next sequence in turn is a suspect, which runs alone. */
  isSuspectNext(): boolean;
  /** A sequence that holds nothing any more and has all its tokens waits again. */
  putBack(sequence: Sequence): void;
  /** A sequence has ended, well or not, and holds nothing any more. */
  onEnd(sequence: Sequence): void;
  /** The ranks cannot take an embedding: these sequences are to end. */
  onStageFailed(loop: GroupLoop, key: EmbeddingKey, error: Error, users: readonly Sequence[]): void;
  /** Decoders have an embedding for these. */
  onFetched(sequence: Sequence, key: EmbeddingKey): void;
  /** A sequence has sampled so many tokens. */
  onTokens(sequence: Sequence, numTokens: number): void;
  /** The result of a step is booked. */
  onStep(loop: GroupLoop, result: StepResult): void;
  /** The group can run nothing any more; its sequences are about to be put back. */
  onLost(loop: GroupLoop, error: Error): void;
}

export interface GroupLoopConfig {
  /** Plan step n + 1 while step n runs; false waits for each result: slower, and the oracle of the other. */
  readonly isOverlapped: boolean;
  /** Visual tokens that the ranks keep staged at once. */
  readonly stagingTokens: number;
}

/**
 * Continuous batching over one rank group: a step computes whatever every running sequence still needs, and sequences
 * come and go between steps. While a step runs the next one is planned already, so an end that is known late costs one
 * row, whose token is dropped.
 *
 * A step that fails does not end its sequences: they are put back as suspects, and each runs alone until it has finished
 * a step; one that fails alone is quarantined (architecture §4).
 */
export class GroupLoop {
  readonly state: GroupState;
  readonly staging: Staging;
  readonly #group: RankGroup;
  readonly #hooks: GroupLoopHooks;
  readonly #config: GroupLoopConfig;
  readonly #source: PlanSource;
  readonly #inFlight: PlannedStep[] = [];
  #isWoken = false;
  #isLost = false;
  /** A step failed: nothing is planned until all that are under way have ended. */
  #isRecovering = false;

  constructor(group: RankGroup, hooks: GroupLoopHooks, config: GroupLoopConfig) {
    this.#group = group;
    this.#hooks = hooks;
    this.#config = config;
    this.state = new GroupState(group.groupId, group.description);
    this.state.pages.adopt(group.seals);
    this.staging = new Staging({
      group,
      capacityTokens: config.stagingTokens,
      holderOf: hooks.holderOf,
      onMiss: hooks.onMiss,
      onFailed: (key, error, users) => hooks.onStageFailed(this, key, error, users),
      onStaged: (key, users) => {
        for (const sequence of users) hooks.onFetched(sequence, key);
        this.wake();
      },
    });
    this.#source = {
      admitNext: (isPlanned) => (hooks.isSuspectNext() ? undefined : hooks.admitNext(this, isPlanned)),
      putBack: (sequence) => this.#putBack(sequence),
    };
    void group.lost.then((error) => this.#lose(error));
  }

  get groupId(): string {
    return this.#group.groupId;
  }

  get isIdle(): boolean {
    return this.#inFlight.length === 0 && this.state.running.size === 0;
  }

  /** Something changed: plans what can be planned once the present turn of the event loop is over. */
  wake(): void {
    if (this.#isWoken || this.#isLost) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      this.#pump();
    });
  }

  /** Takes a running sequence out; its lane and pages may be given out with the next plan. */
  remove(sequence: Sequence): void {
    this.staging.releaseAll(sequence);
    this.state.leave(sequence);
    this.wake();
  }

  /** Takes a running sequence out so that it is computed again later. */
  preempt(sequence: Sequence): void {
    this.state.leave(sequence);
    this.#putBack(sequence);
  }

  /** Throws with its numbers when something is held though nobody runs. */
  checkIntegrity(): void {
    this.state.checkIntegrity();
    if (this.state.running.size > 0 || this.staging.numEmbeddings === 0) return;
    throw new Error(`group ${this.groupId} is idle and keeps ${this.staging.numEmbeddings} embeddings`);
  }

  close(): Promise<void> {
    this.#isLost = true;
    return this.#group.close();
  }

  #pump(): void {
    while (!this.#isLost && this.#mayPlan()) {
      const step = this.#plan();
      if (!step) break;
      this.#inFlight.push(step);
      void this.#settle(step, this.#group.step(step.plan));
    }
    if (this.isIdle && !this.#isLost) this.checkIntegrity();
  }

  #mayPlan(): boolean {
    if (this.#isRecovering) return false;
    if (this.#inFlight.length === 0) return true;
    const isSuspectRunning = this.#inFlight.some(({ chunks }) => chunks.some(({ sequence }) => sequence.isSuspect));
    return this.#config.isOverlapped && this.#inFlight.length < 2 && !isSuspectRunning;
  }

  /** A suspect is planned alone, when nothing else is under way; one that waits for an image holds up nobody. */
  #plan(): PlannedStep | undefined {
    const { state } = this;
    const computableLen = (sequence: Sequence): number => this.#computableLen(sequence);
    const findSuspect = (): Sequence | undefined =>
      [...state.running].find((sequence) => sequence.isSuspect && tokensInStep(sequence, 1, computableLen) > 0);
    const isSuspectNext = this.#hooks.isSuspectNext();
    if (this.#inFlight.length > 0 && (isSuspectNext || findSuspect())) return undefined;
    if (isSuspectNext) this.#hooks.admitNext(this, () => false);
    return planStep(state, this.#source, computableLen, findSuspect());
  }

  #computableLen({ visuals, numPlanned }: Sequence): number {
    for (const { embeddingKey, offset, length } of visuals) {
      if (offset + length > numPlanned && !this.staging.isStaged(embeddingKey)) return Math.max(offset, numPlanned);
    }
    return Number.POSITIVE_INFINITY;
  }

  async #settle(step: PlannedStep, running: Promise<StepResult>): Promise<void> {
    const outcome: StepResult | Error = await running.catch((error: Error) => error);
    if (this.#isLost) return;
    if (outcome instanceof Error) {
      if (outcome instanceof ServingError && outcome.reason === 'worker_failed') return this.#lose(outcome);
      if (isLetGo(outcome)) return this.#giveUp(outcome);
      this.#inFlight.splice(this.#inFlight.indexOf(step), 1);
      this.#failStep(step, outcome);
    } else {
      const contradiction = contradictionOf(step, outcome);
      if (contradiction) return this.#giveUp(contradiction);
      this.#inFlight.splice(this.#inFlight.indexOf(step), 1);
      this.#book(step, outcome);
      this.#hooks.onStep(this, outcome);
    }
    if (this.#inFlight.length === 0) this.#isRecovering = false;
    this.#pump();
  }

  #book({ chunks }: PlannedStep, { outputs }: StepResult): void {
    const byLane = new Map(outputs.map((output) => [output.lane, output]));
    for (const planned of chunks) {
      const { sequence, chunk, isVoid } = planned;
      sequence.numStepsUnderWay--;
      if (!isVoid) this.#bookChunk(planned, chunk.samples ? byLane.get(chunk.lane) : undefined);
      if (!sequence.residence) this.#putBack(sequence);
    }
  }

  #bookChunk({ sequence, residence, numTokens }: PlannedChunk, output: SequenceOutput | undefined): void {
    sequence.isSuspect = false;
    const isNumberless = output?.tokens.length === 0;
    if (residence && isNumberless) withdrawPages(this.state, sequence, residence);
    if (residence && sequence.residence === residence) {
      sequence.numComputed += numTokens;
      if (!isNumberless) publishPages(this.state, sequence);
      this.#releaseConsumed(sequence);
    }
    if (output) this.#deliver(sequence, output);
  }

  /** Embeddings whose last row is computed are not needed any more. */
  #releaseConsumed(sequence: Sequence): void {
    const needed = new Set(sequence.visualsBehind(sequence.numComputed).map(({ embeddingKey }) => embeddingKey));
    for (const { embeddingKey } of sequence.visuals) {
      if (!needed.has(embeddingKey)) this.staging.release(sequence, embeddingKey);
    }
  }

  /** Passes on what a sequence sampled. One that could sample nothing ends with an error, alone. */
  #deliver(sequence: Sequence, { tokens }: SequenceOutput): void {
    sequence.numPendingSamples--;
    if (sequence.hasEnded) return;
    if (tokens.length === 0) this.#end(sequence, () => sequence.fail(noTokenError()));
    else this.#accept(sequence, tokens);
  }

  #accept(sequence: Sequence, tokens: readonly SampledToken[]): void {
    this.#hooks.onTokens(sequence, tokens.length);
    sequence.events.push({ kind: 'tokens', tokens });
    for (const token of tokens) {
      const reason = sequence.accept(token);
      if (!reason) continue;
      this.#end(sequence, () => sequence.finish(reason));
      return;
    }
  }

  #end(sequence: Sequence, tell: () => void): void {
    tell();
    if (sequence.residence) this.remove(sequence);
    this.#hooks.onEnd(sequence);
  }

  /** A sequence that holds nothing waits again once all steps with some of it have come to their end. */
  #putBack(sequence: Sequence): void {
    this.staging.releaseAll(sequence);
    if (sequence.numStepsUnderWay === 0 && !sequence.hasEnded) this.#hooks.putBack(sequence);
  }

  /**
   * Nothing of a failed step counts, its releases and seals included. The step behind it may have given a lane that it
   * released to a newcomer, who keeps it.
   */
  #failStep(step: PlannedStep, error: Error): void {
    this.#isRecovering = true;
    this.#takeBack([step], error);
    const { state } = this;
    const { released, seals = [] } = step.plan;
    const held = new Set([...state.running].flatMap(({ residence }) => (residence?.isAdmitted ? residence.lane : [])));
    state.releasedLanes = [...new Set([...released, ...state.releasedLanes])].filter((lane) => !held.has(lane));
    state.seals.push(...seals);
  }

  /** What the ranks say cannot be: nothing that they hold is to be relied on. */
  #giveUp(error: Error): void {
    this.#lose(error);
    void this.#group.close();
  }

  #lose(error: Error): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#hooks.onLost(this, error);
    this.#takeBack(this.#inFlight.splice(0), isLetGo(error) ? undefined : error);
    for (const sequence of [...this.state.running]) this.preempt(sequence);
  }

  /**
   * Puts back whoever was in these steps. One of them may be why there was a failure, and who was alone twice is;
   * without a failure nobody is.
   */
  #takeBack(steps: readonly PlannedStep[], failure: Error | undefined): void {
    const chunks = steps.flatMap((step) => step.chunks);
    const sequences = new Set(chunks.filter(({ isVoid }) => !isVoid).map(({ sequence }) => sequence));
    const isProof = sequences.size === 1 && [...sequences].every(({ isSuspect }) => isSuspect);
    for (const { sequence } of chunks) sequence.numStepsUnderWay--;
    for (const chunk of this.#inFlight.flatMap((step) => step.chunks)) {
      if (sequences.has(chunk.sequence)) chunk.isVoid = true;
    }
    for (const sequence of sequences) {
      sequence.numPendingSamples = 0;
      sequence.isSuspect ||= failure !== undefined;
      if (failure && isProof && !sequence.hasEnded)
        this.#end(sequence, () => sequence.fail(quarantined(sequence, failure)));
      else if (sequence.residence) this.state.leave(sequence);
    }
    for (const sequence of new Set(chunks.map((chunk) => chunk.sequence))) this.#putBack(sequence);
  }
}

/** The group was let go, by this leader or for another one: no sequence can be the reason. */
function isLetGo(error: Error): boolean {
  const reasons: readonly string[] = ['shutting_down', 'epoch_refused', 'cancelled'];
  return error instanceof ServingError && reasons.includes(error.reason);
}

function noTokenError(): ServingError {
  return new ServingError('internal', 'No token can be chosen: all logits are masked or not numbers.');
}

function quarantined({ id }: Sequence, cause: Error): ServingError {
  const message = `The request ${id} failed a worker twice, the second time alone: ${cause.message}`;
  return new ServingError('quarantined', message, {}, { cause });
}
