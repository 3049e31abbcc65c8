import { type CellModel, type RankGroup, ServingError } from '@tessera/domain';
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

  /** Undefined until a group was there. */
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

  /** Throws `invalid_option` for a group that cannot serve beside those that are there. */
  assertFits({ groupId, description: { modelRevision, maxContextLen } }: RankGroup): void {
    if (this.#model && this.#model.revision !== modelRevision) {
      const message = `Group ${groupId} serves ${modelRevision}, the cell ${this.#model.revision}.`;
      throw new ServingError('invalid_option', message);
    }
    if (this.#model && maxContextLen < this.#model.maxContextLen) {
      const facts = { given: maxContextLen, limit: this.#model.maxContextLen };
      const message = `Group ${groupId} has a context of ${facts.given} positions, the cell ${facts.limit}.`;
      throw new ServingError('invalid_option', message, facts);
    }
  }

  add(loop: GroupLoop): void {
    const { modelRevision, maxContextLen, kvLayout } = loop.state.description;
    this.#model ??= { revision: modelRevision, maxContextLen, pageLen: kvLayout.pageLen };
    this.#loops.set(loop.groupId, loop);
  }

  /** Nothing happens when another one has its name by now. */
  remove(loop: GroupLoop): void {
    if (this.#loops.get(loop.groupId) === loop) this.#loops.delete(loop.groupId);
  }

  wakeAll(): void {
    for (const loop of this) loop.wake();
  }

  /** Most tokens at the beginning of a sequence that a group has in its prefix cache. */
  numCachedTokensOf(sequence: Sequence): number {
    return Math.max(0, ...[...this].map(({ state }) => state.findCached(sequence).length * state.pageLen));
  }
}
