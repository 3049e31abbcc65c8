import {
  type CellInspection,
  type CellModel,
  type EmbeddingKey,
  type EncoderFeed,
  EventQueue,
  type RankGroup,
  type RankSeals,
  type Request,
  type Scheduler,
  type SchedulerEvent,
  ServingError,
  type StepResult,
  type VisualSegment,
} from '@tessera/domain';
import type { GroupSnapshot, PageDelta } from '@tessera/kv';
import { Admission } from './admission.js';
import { assertServable } from './assert-servable.js';
import { FairQueue } from './fair-queue.js';
import { GroupLoop } from './group/group-loop.js';
import { byRank } from './group/plan-step.js';
import { type Placement, placeSequence } from './placement.js';
import { defaultSchedulerConfig, type SchedulerConfig } from './scheduler-config.js';
import { Sequence } from './sequence.js';
import { VisualBoard } from './visuals/visual-board.js';
import { watchRequest } from './watch-request.js';

export interface SchedulerDeps {
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** What each rank of a group says of its pages now, for inspection. */
  readonly readSeals?: (groupId: string) => Promise<readonly RankSeals[]>;
  readonly onPlaced?: (placement: Placement, sequence: Sequence) => void;
  /** The result of a step is booked; `changes` are the pages that changed since the step before. */
  readonly onStep?: (groupId: string, result: StepResult, changes: readonly PageDelta[]) => void;
}

/** What the scheduler holds now. */
export interface SchedulerSnapshot {
  readonly numGroups: number;
  readonly numEncoders: number;
  /** Requests that wait for embeddings or for room. */
  readonly numWaiting: number;
  readonly numRunning: number;
  readonly numPages: number;
  readonly numFreePages: number;
  /** Held by nobody, kept for their content. */
  readonly numCachedPages: number;
  readonly numOwnedPages: number;
  readonly numFreeLanes: number;
  /** Embeddings that are being made or wait for an encoder. */
  readonly numWantedEmbeddings: number;
  readonly numStagedEmbeddings: number;
}

/** The scheduler of one cell: rank groups and encoders come and go. */
export interface RunningScheduler extends Scheduler {
  readonly snapshot: SchedulerSnapshot;
  /** Undefined until a group was there. */
  readonly model: CellModel | undefined;
  addGroup(group: RankGroup): void;
  /** Listens to an encoder until it is lost or the signal aborts; resolves then. */
  addEncoder(feed: EncoderFeed, signal: AbortSignal): Promise<void>;
  inspect(epoch: number): Promise<CellInspection>;
  /** Throws with its numbers when something is held for nobody. */
  checkIntegrity(): void;
  /** The pages of a group as they are now; undefined when it is no more. */
  snapshotOf(groupId: string): GroupSnapshot | undefined;
  /** Fails what runs and waits with `error`, and lets the groups go. */
  close(error: ServingError): Promise<void>;
}

export function createScheduler(
  deps: SchedulerDeps,
  config: SchedulerConfig = defaultSchedulerConfig,
): RunningScheduler {
  return new CellScheduler(deps, config);
}

class CellScheduler implements RunningScheduler {
  readonly #deps: SchedulerDeps;
  readonly #config: SchedulerConfig;
  readonly #admission: Admission;
  readonly #board: VisualBoard;
  readonly #queue = new FairQueue<Sequence>();
  readonly #loops = new Map<string, GroupLoop>();
  /** Sequences that wait for room in the encoders' caches or for this embedding, their first. */
  readonly #preparing = new Map<Sequence, EmbeddingKey>();
  /** Sequences that have not ended. */
  readonly #live = new Set<Sequence>();
  #model: CellModel | undefined;
  #numArrivals = 0;
  /** Why nothing is taken any more. */
  #closing: ServingError | undefined;

  constructor(deps: SchedulerDeps, config: SchedulerConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#admission = new Admission(config, deps.now);
    this.#board = new VisualBoard({
      maxEncoderPatches: config.maxEncoderPatches,
      onReady: (sequence, key) => this.#onReady(sequence, key),
      onFailed: (sequence, error) => this.#fail(sequence, error),
    });
  }

  get snapshot(): SchedulerSnapshot {
    const loops = [...this.#loops.values()];
    const sum = (count: (loop: GroupLoop) => number): number => loops.reduce((total, loop) => total + count(loop), 0);
    return {
      numGroups: loops.length,
      numEncoders: this.#board.numEncoders,
      numWaiting: this.#admission.numWaiting,
      numRunning: sum(({ state }) => state.running.size),
      numPages: sum(({ state }) => state.pages.numPages),
      numFreePages: sum(({ state }) => state.pages.numFree),
      numCachedPages: sum(({ state }) => state.pages.numCached),
      numOwnedPages: sum(({ state }) => state.pages.numOwned),
      numFreeLanes: sum(({ state }) => state.numFreeLanes),
      numWantedEmbeddings: this.#board.numWanted,
      numStagedEmbeddings: sum(({ staging }) => staging.numEmbeddings),
    };
  }

  get model(): CellModel | undefined {
    return this.#model && { ...this.#model, maxVisualTokens: this.#maxVisualTokens };
  }

  addGroup(group: RankGroup): void {
    const { modelRevision, maxContextLen, kvLayout } = group.description;
    if (this.#model && this.#model.revision !== modelRevision) {
      const message = `Group ${group.groupId} serves ${modelRevision}, the cell ${this.#model.revision}.`;
      throw new ServingError('invalid_option', message);
    }
    if (this.#model && maxContextLen < this.#model.maxContextLen) {
      const facts = { given: maxContextLen, limit: this.#model.maxContextLen };
      const message = `Group ${group.groupId} has a context of ${facts.given} positions, the cell ${facts.limit}.`;
      throw new ServingError('invalid_option', message, facts);
    }
    this.#model ??= { revision: modelRevision, maxContextLen, pageLen: kvLayout.pageLen, maxVisualTokens: 0 };
    const loop = new GroupLoop(
      group,
      {
        admitNext: (asking, isPlanned) => this.#admitNext(asking, isPlanned),
        isSuspectNext: () => this.#queue.peek()?.isSuspect ?? false,
        putBack: (sequence) => this.#putBack(sequence),
        onEnd: (sequence) => this.#end(sequence),
        holderOf: (key) => this.#board.holderOf(key),
        onFetched: (sequence, key) => this.#board.fetched(sequence, key),
        onMiss: (address, key, users) => this.#onMiss(address, key, users),
        onTokens: (sequence, numTokens) => this.#queue.clocks.charge(sequence.tenant, numTokens),
        onStep: (of, result) => this.#deps.onStep?.(of.groupId, result, of.state.takeChanges()),
        onLost: (lost) => {
          if (this.#loops.get(lost.groupId) === lost) this.#loops.delete(lost.groupId);
        },
      },
      this.#config,
    );
    this.#loops.set(group.groupId, loop);
    loop.wake();
  }

  async addEncoder(feed: EncoderFeed, signal: AbortSignal): Promise<void> {
    this.#board.addEncoder(feed);
    try {
      for await (const update of feed.updates(signal)) this.#board.update(feed.address, update);
    } finally {
      this.#board.removeEncoder(feed.address);
    }
  }

  async *generate(request: Request, signal: AbortSignal): AsyncGenerator<SchedulerEvent> {
    if (this.#closing) throw this.#closing;
    const { model } = this;
    if (!model) throw new ServingError('not_ready', 'No rank group serves yet.');
    assertServable(request, model);
    const sequence = new Sequence(request, new EventQueue(), this.#numArrivals++);
    if (sequence.resumedEnd) {
      sequence.finish(sequence.resumedEnd);
      return yield* sequence.events;
    }
    this.#admission.enter(sequence);
    this.#live.add(sequence);
    const stop = watchRequest(request, signal, this.#deps.now, (error) => this.#fail(sequence, error));
    try {
      if (!sequence.hasEnded) this.#prepare(sequence, this.#neededVisuals(sequence));
      yield* sequence.events;
    } finally {
      stop();
      sequence.hasEnded = true;
      this.#end(sequence);
    }
  }

  async inspect(epoch: number): Promise<CellInspection> {
    const { numWaiting, numRunning } = this.snapshot;
    const groups = [...this.#loops.values()].map(async ({ groupId, state }) => {
      const seals = (await this.#deps.readSeals?.(groupId)) ?? [];
      return { groupId, numPages: state.pages.numPages, pages: state.records(), seals };
    });
    return { epoch, numWaiting, numRunning, groups: await Promise.all(groups) };
  }

  checkIntegrity(): void {
    for (const loop of this.#loops.values()) loop.checkIntegrity();
    this.#board.checkIntegrity();
    const { numWaiting, numRunning } = this.snapshot;
    const counts = {
      waiting: numWaiting,
      queued: this.#queue.size,
      preparing: this.#preparing.size,
      running: numRunning,
    };
    if (this.#live.size > 0 || Object.values(counts).every((count) => count === 0)) return;
    throw new Error(`nobody is there, but there are ${JSON.stringify(counts)}`);
  }

  snapshotOf(groupId: string): GroupSnapshot | undefined {
    const state = this.#loops.get(groupId)?.state;
    return state && { stepId: state.numSteps, pages: state.records() };
  }

  async close(error: ServingError): Promise<void> {
    this.#closing = error;
    for (const sequence of [...this.#live]) this.#fail(sequence, error);
    await Promise.all([...this.#loops.values()].map((loop) => loop.close()));
  }

  get #maxVisualTokens(): number {
    return Math.min(this.#config.stagingTokens, this.#board.maxVisualTokens ?? Number.MAX_SAFE_INTEGER);
  }

  /** Queues a sequence once it has room in the encoders' caches for what it needs, and the first of it is made. */
  #prepare(sequence: Sequence, needed: readonly VisualSegment[]): void {
    const [first] = needed;
    if (first) {
      this.#preparing.set(sequence, first.embeddingKey);
      this.#board.need(sequence, needed);
    } else this.#enqueue(sequence);
  }

  #enqueue(sequence: Sequence): void {
    this.#queue.add(sequence);
    this.#wakeAll();
  }

  /** The visuals that no group has in its prefix cache. */
  #neededVisuals(sequence: Sequence): VisualSegment[] {
    const cachedLens = [...this.#loops.values()].map(({ state }) => state.findCached(sequence).length * state.pageLen);
    return visualsFrom(sequence, Math.max(0, ...cachedLens));
  }

  #onReady(sequence: Sequence, key: EmbeddingKey): void {
    if (sequence.residence) {
      this.#loops.get(sequence.residence.groupId)?.staging.fetch(key);
      return;
    }
    if (this.#preparing.get(sequence) !== key) return;
    this.#preparing.delete(sequence);
    this.#enqueue(sequence);
  }

  #onMiss(address: string, key: EmbeddingKey, users: readonly Sequence[]): void {
    this.#board.reportMiss(address, key);
    for (const sequence of users) {
      const visual = sequence.visuals.find(({ embeddingKey }) => embeddingKey === key);
      if (visual) this.#board.need(sequence, [visual]);
    }
  }

  /** The next in turn, if this is the group for it and it finds room there. Nobody overtakes the one in turn. */
  #admitNext(loop: GroupLoop, isPlanned: (sequence: Sequence) => boolean): Sequence | undefined {
    for (;;) {
      const sequence = this.#queue.peek();
      if (!sequence) return undefined;
      const placement = this.#place(sequence, loop, isPlanned);
      if (!placement) return undefined;
      const { state, staging } = loop;
      const cachedPages = state.findCached(sequence);
      const needed = visualsFrom(sequence, cachedPages.length * state.pageLen);
      if (!this.#isPrepared(sequence, needed, loop)) {
        this.#queue.remove(sequence);
        this.#prepareAgain(sequence, needed);
        continue;
      }
      if (!staging.reserve(sequence, needed)) return undefined;
      this.#queue.remove(sequence);
      this.#queue.clocks.charge(sequence.tenant, sequence.numKnownTokens - cachedPages.length * state.pageLen);
      state.admit(sequence, cachedPages);
      this.#admission.leave(sequence);
      this.#deps.onPlaced?.(placement, sequence);
      this.#wakeAll();
      const absent = needed.filter(({ embeddingKey }) => !staging.isComing(embeddingKey));
      if (absent.length > 0) this.#board.need(sequence, absent);
      // It may have asked too often already.
      if (!sequence.hasEnded) return sequence;
    }
  }

  /** Whether what it was queued with is enough here: pages or embeddings that it counted on may be gone since. */
  #isPrepared(sequence: Sequence, needed: readonly VisualSegment[], { staging }: GroupLoop): boolean {
    const [first] = needed;
    if (!first) return true;
    const isFirstThere = staging.isStaged(first.embeddingKey) || this.#board.holderOf(first.embeddingKey) !== undefined;
    return isFirstThere && this.#board.covers(sequence, needed);
  }

  /** Room for more than it was let in with is got from the beginning: it holds none while it waits for more. */
  #prepareAgain(sequence: Sequence, needed: readonly VisualSegment[]): void {
    if (!this.#board.covers(sequence, needed)) this.#board.leave(sequence);
    this.#prepare(sequence, needed);
  }

  /** Undefined when it is for another group or finds no room. */
  #place(sequence: Sequence, loop: GroupLoop, isPlanned: (sequence: Sequence) => boolean): Placement | undefined {
    const hasRoom = ({ state }: GroupLoop): boolean =>
      state.numFreeLanes > 0 && state.hasRoomFor(sequence, state.findCached(sequence));
    const open = [...this.#loops.values()].filter(hasRoom);
    if (open.length === 0 && this.#makeWay(sequence, loop, isPlanned)) return placeSequence(sequence, [loop]);
    const placement = placeSequence(sequence, open);
    return placement?.loop === loop ? placement : undefined;
  }

  /** Batch requests give way to interactive ones, the last come first. */
  #makeWay(sequence: Sequence, loop: GroupLoop, isPlanned: (sequence: Sequence) => boolean): boolean {
    if (sequence.isBatch) return false;
    const { state } = loop;
    const batch = [...state.running].filter((running) => running.isBatch && !isPlanned(running)).sort(byRank);
    for (const victim of batch.reverse()) {
      loop.preempt(victim);
      if (state.numFreeLanes > 0 && state.hasRoomFor(sequence, state.findCached(sequence))) return true;
    }
    return false;
  }

  #putBack(sequence: Sequence): void {
    this.#admission.comeBack(sequence);
    this.#board.leave(sequence);
    this.#prepare(sequence, this.#neededVisuals(sequence));
  }

  #fail(sequence: Sequence, error: Error): void {
    sequence.fail(error);
    this.#end(sequence);
  }

  /** Takes back everything; called once it has ended, maybe more than once. */
  #end(sequence: Sequence): void {
    if (!this.#live.delete(sequence)) return;
    const loop = sequence.residence && this.#loops.get(sequence.residence.groupId);
    this.#queue.remove(sequence);
    this.#preparing.delete(sequence);
    this.#admission.leave(sequence);
    loop?.remove(sequence);
    this.#board.leave(sequence);
    this.#admission.recordEnd();
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const loop of this.#loops.values()) loop.wake();
  }
}

/** Visuals of which something is behind the first `numCached` tokens. */
function visualsFrom({ visuals }: Sequence, numCached: number): VisualSegment[] {
  return visuals.filter(({ offset, length }) => offset + length > numCached);
}
