import {
  type CellInspection,
  type CellModel,
  type EmbeddingKey,
  type EncoderFeed,
  EventQueue,
  type RankGroup,
  type Request,
  type SchedulerEvent,
  ServingError,
} from '@tessera/domain';
import type { GroupSnapshot } from '@tessera/kv';
import { Admission } from './admission.js';
import { assertServable } from './assert-servable.js';
import { CellGroups } from './cell-groups.js';
import { FairQueue } from './fair-queue.js';
import { GroupLoop, type GroupLoopHooks } from './group/group-loop.js';
import { Newcomers } from './newcomers.js';
import type { RunningScheduler, SchedulerDeps, SchedulerSnapshot } from './running-scheduler.js';
import { defaultSchedulerConfig, type SchedulerConfig } from './scheduler-config.js';
import { Sequence } from './sequence.js';
import { EncoderFeeds } from './visuals/encoder-feeds.js';
import { Preparation } from './visuals/preparation.js';
import { VisualBoard } from './visuals/visual-board.js';
import { watchRequest } from './watch-request.js';

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
  readonly #encoders: EncoderFeeds;
  readonly #preparation: Preparation;
  readonly #newcomers: Newcomers;
  readonly #queue = new FairQueue<Sequence>();
  readonly #groups = new CellGroups();
  readonly #groupHooks: GroupLoopHooks;
  /** Sequences that have not ended. */
  readonly #live = new Set<Sequence>();
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
    this.#encoders = new EncoderFeeds(this.#board, this.#groups);
    const parts = { board: this.#board, groups: this.#groups, queue: this.#queue };
    this.#preparation = new Preparation(parts);
    this.#newcomers = new Newcomers({
      ...parts,
      preparation: this.#preparation,
      onAdmitted: (placement, sequence, absent) => {
        this.#admission.leave(sequence);
        deps.onPlaced?.(placement, sequence);
        if (absent.length > 0) this.#board.need(sequence, absent);
      },
    });
    this.#groupHooks = this.#hooksOfGroups();
  }

  get snapshot(): SchedulerSnapshot {
    return {
      ...this.#groups.counts,
      numEncoders: this.#board.numEncoders,
      numWaiting: this.#admission.numWaiting,
      numWantedEmbeddings: this.#board.numWanted,
    };
  }

  get model(): CellModel | undefined {
    const { model } = this.#groups;
    const maxVisualTokens = Math.min(
      this.#config.stagingTokens,
      this.#board.maxVisualTokens ?? Number.MAX_SAFE_INTEGER,
    );
    return model && { ...model, maxVisualTokens };
  }

  addGroup(group: RankGroup): void {
    this.#groups.assertFits(group);
    const loop = new GroupLoop(group, this.#groupHooks, this.#config);
    this.#groups.add(loop);
    this.#checkWaiting();
    this.#encoders.dropUnfit();
    loop.wake();
  }

  addEncoder(feed: EncoderFeed, signal: AbortSignal): Promise<void> {
    return this.#encoders.listen(feed, signal);
  }

  async *generate(request: Request, signal: AbortSignal): AsyncGenerator<SchedulerEvent> {
    if (this.#closing) throw this.#closing;
    const { model } = this;
    if (!model) throw new ServingError('not_ready', 'No rank group serves yet.');
    // Who was let in once may meet the groups and encoders that come back one by one.
    if (request.attempt > 0) this.#groups.assertRunnable(request);
    else assertServable(request, model);
    const sequence = new Sequence(request, new EventQueue(), this.#numArrivals++);
    if (sequence.resumedEnd) {
      sequence.finish(sequence.resumedEnd);
      return yield* sequence.events;
    }
    this.#admission.enter(sequence);
    this.#live.add(sequence);
    const stop = watchRequest(request, signal, this.#deps.now, (error) => this.#fail(sequence, error));
    try {
      if (!sequence.hasEnded) this.#preparation.prepare(sequence);
      yield* sequence.events;
    } finally {
      stop();
      sequence.hasEnded = true;
      this.#end(sequence);
    }
  }

  async inspect(epoch: number): Promise<CellInspection> {
    const { numWaiting, numRunning } = this.snapshot;
    const groups = [...this.#groups].map(async ({ groupId, state }) => {
      const seals = (await this.#deps.readSeals?.(groupId)) ?? [];
      return { groupId, numPages: state.pages.numPages, pages: state.records(), seals };
    });
    return { epoch, numWaiting, numRunning, groups: await Promise.all(groups) };
  }

  checkIntegrity(): void {
    for (const loop of this.#groups) loop.checkIntegrity();
    this.#board.checkIntegrity();
    const { numWaiting, numRunning } = this.snapshot;
    const counts = {
      waiting: numWaiting,
      queued: this.#queue.size,
      preparing: this.#preparation.size,
      running: numRunning,
    };
    if (this.#live.size > 0 || Object.values(counts).every((count) => count === 0)) return;
    throw new Error(`nobody is there, but there are ${JSON.stringify(counts)}`);
  }

  snapshotOf(groupId: string): GroupSnapshot | undefined {
    const state = this.#groups.get(groupId)?.state;
    return state && { stepId: state.numSteps, pages: state.records() };
  }

  async close(error: ServingError): Promise<void> {
    this.#closing = error;
    for (const sequence of [...this.#live]) this.#fail(sequence, error);
    await Promise.all([...this.#groups].map((loop) => loop.close()));
  }

  #hooksOfGroups(): GroupLoopHooks {
    return {
      admitNext: (asking, isPlanned) => this.#newcomers.admitNext(asking, isPlanned),
      isSuspectNext: () => this.#queue.peek()?.isSuspect ?? false,
      putBack: (sequence) => this.#putBack(sequence),
      onEnd: (sequence) => this.#end(sequence),
      holderOf: (key) => this.#board.holderOf(key),
      onFetched: (sequence, key) => this.#board.fetched(sequence, key),
      onMiss: (address, key, users) => this.#onMiss(address, key, users),
      onStageFailed: ({ groupId }, key, error, users) => {
        this.#deps.onStageFailed?.(groupId, key, error);
        for (const sequence of users) this.#fail(sequence, error);
      },
      onTokens: (sequence, numTokens) => this.#queue.clocks.charge(sequence.tenant, numTokens),
      onStep: (of, result) => this.#deps.onStep?.(of.groupId, result, of.state.takeChanges()),
      onLost: (lost) => {
        this.#groups.remove(lost);
        this.#checkWaiting();
        // The one in turn may have waited for this group.
        this.#groups.wakeAll();
      },
    };
  }

  #onReady(sequence: Sequence, key: EmbeddingKey): void {
    if (sequence.residence) this.#groups.get(sequence.residence.groupId)?.staging.fetch(key);
    else this.#preparation.onReady(sequence, key);
  }

  #onMiss(address: string, key: EmbeddingKey, users: readonly Sequence[]): void {
    this.#board.reportMiss(address, key);
    for (const sequence of users) {
      const visual = sequence.visuals.find(({ embeddingKey }) => embeddingKey === key);
      if (visual) this.#board.need(sequence, [visual]);
    }
  }

  #putBack(sequence: Sequence): void {
    this.#admission.comeBack(sequence);
    this.#board.leave(sequence);
    this.#failUnrunnable(sequence);
    if (!sequence.hasEnded) this.#preparation.prepare(sequence);
  }

  /** The groups are others than before. */
  #checkWaiting(): void {
    for (const sequence of [...this.#live]) if (!sequence.residence) this.#failUnrunnable(sequence);
  }

  /** Who waits for what none of the groups can do would wait in vain. */
  #failUnrunnable(sequence: Sequence): void {
    try {
      this.#groups.assertRunnable(sequence.request);
    } catch (error) {
      this.#fail(sequence, error as Error);
    }
  }

  #fail(sequence: Sequence, error: Error): void {
    sequence.fail(error);
    this.#end(sequence);
  }

  /** Takes back everything; called once it has ended, maybe more than once. */
  #end(sequence: Sequence): void {
    if (!this.#live.delete(sequence)) return;
    const loop = sequence.residence && this.#groups.get(sequence.residence.groupId);
    this.#queue.remove(sequence);
    this.#preparation.leave(sequence);
    this.#admission.leave(sequence);
    loop?.remove(sequence);
    this.#board.leave(sequence);
    this.#admission.recordEnd();
    this.#groups.wakeAll();
  }
}
