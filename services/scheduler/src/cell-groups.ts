import { type CellModel, type RankGroup, type Request, ServingError } from '@tessera/domain';
import { assertSameModel, numPositions } from './assert-servable.js';
import type { GroupLoop } from './group/group-loop.js';
import type { SchedulerSnapshot } from './running-scheduler.js';
import type { Sequence } from './sequence.js';

/** What the groups hold together. */
export type GroupCounts = Omit<SchedulerSnapshot, 'numEncoders' | 'numWaiting' | 'numWantedEmbeddings'>;

/** What groups say of the model; how many visual tokens a request may have is not theirs to say. */
export type GroupModel = Omit<CellModel, 'maxVisualTokens'>;

/** The rank groups of a cell, which come and go, and what they serve. */
export class CellGroups implements Iterable<GroupLoop> {
  readonly #loops = new Map<string, GroupLoop>();
  #model: GroupModel | undefined;

  get size(): number {
    return this.#loops.size;
  }

  /** What every group can do that is there; without any what the last could, and undefined until one was there. */
  get model(): GroupModel | undefined {
    return this.#model;
  }

  get counts(): GroupCounts {
    const loops = [...this];
    const sum = (count: (loop: GroupLoop) => number): number => loops.reduce((total, loop) => total + count(loop), 0);
    return {
      numGroups: loops.length,
      numRunning: sum(({ state }) => state.running.size),
      numPages: sum(({ state }) => state.pages.numPages),
      numFreePages: sum(({ state }) => state.pages.numFree),
      numCachedPages: sum(({ state }) => state.pages.numCached),
      numOwnedPages: sum(({ state }) => state.pages.numOwned),
      numFreeLanes: sum(({ state }) => state.numFreeLanes),
      numStagedEmbeddings: sum(({ staging }) => staging.numEmbeddings),
    };
  }

  [Symbol.iterator](): Iterator<GroupLoop> {
    return this.#loops.values();
  }

  get(groupId: string): GroupLoop | undefined {
    return this.#loops.get(groupId);
  }

  /** Throws `invalid_option` for a group of another model than those that are there. */
  assertFits({ groupId, description }: RankGroup): void {
    const [other] = this;
    if (!other || other.state.description.modelRevision === description.modelRevision) return;
    const { modelRevision } = other.state.description;
    const message = `Group ${groupId} serves ${description.modelRevision}, the cell ${modelRevision}.`;
    throw new ServingError('invalid_option', message);
  }

  /**
   * Throws when no group that is there can run a request that was let in: `not_ready` where it is too long for them, since
   * one that was lost may come back. Without groups it may wait for the next.
   */
  assertRunnable(request: Request): void {
    if (!this.#model || this.size === 0) return;
    assertSameModel(request, this.#model);
    const limit = Math.max(...[...this].map(({ state }) => state.description.maxContextLen));
    const given = numPositions(request);
    if (given <= limit) return;
    const message = `Prompt and answer need ${given} positions; no rank group that is there holds more than ${limit}.`;
    throw new ServingError('not_ready', message, { given, limit });
  }

  add(loop: GroupLoop): void {
    this.#loops.set(loop.groupId, loop);
    this.#describe();
  }

  /** Nothing happens when another one has its name by now. */
  remove(loop: GroupLoop): void {
    if (this.#loops.get(loop.groupId) !== loop) return;
    this.#loops.delete(loop.groupId);
    this.#describe();
  }

  wakeAll(): void {
    for (const loop of this) loop.wake();
  }

  /** Most tokens at the beginning of a sequence that a group has in its prefix cache. */
  numCachedTokensOf(sequence: Sequence): number {
    return Math.max(0, ...[...this].map(({ state }) => state.findCached(sequence).length * state.pageLen));
  }

  #describe(): void {
    const descriptions = [...this].map(({ state }) => state.description);
    const [first] = descriptions;
    if (!first) return;
    const maxContextLen = Math.min(...descriptions.map((description) => description.maxContextLen));
    this.#model = { revision: first.modelRevision, maxContextLen, pageLen: first.kvLayout.pageLen };
  }
}
