import type { EmbeddingKey, VisualSegment } from '@tessera/domain';
import type { CellGroups } from '../cell-groups.js';
import type { FairQueue } from '../fair-queue.js';
import type { Sequence } from '../sequence.js';
import type { Staging } from './staging.js';
import type { VisualBoard } from './visual-board.js';

export interface PreparationParts {
  readonly board: VisualBoard;
  readonly groups: CellGroups;
  /** Where sequences wait for their turn. */
  readonly queue: FairQueue<Sequence>;
}

/**
 * What comes before a sequence waits for its turn: room in the encoders' caches for all visuals that no prefix cache
 * spares it, and the first of them made. The others are made while it waits or runs.
 */
export class Preparation {
  readonly #parts: PreparationParts;
  /** Sequences that wait for room in the encoders' caches or for this embedding, their first. */
  readonly #preparing = new Map<Sequence, EmbeddingKey>();

  constructor(parts: PreparationParts) {
    this.#parts = parts;
  }

  /** Sequences that are not in the queue yet. */
  get size(): number {
    return this.#preparing.size;
  }

  /** Queues a sequence as soon as it is prepared. */
  prepare(sequence: Sequence, needed: readonly VisualSegment[] = this.#neededVisuals(sequence)): void {
    const [first] = needed;
    if (first) {
      this.#preparing.set(sequence, first.embeddingKey);
      this.#parts.board.need(sequence, needed);
    } else this.#enqueue(sequence);
  }

  /** Room for more than it was let in with is got from the beginning: it holds none while it waits for more. */
  prepareAgain(sequence: Sequence, needed: readonly VisualSegment[]): void {
    const { board } = this.#parts;
    if (!board.covers(sequence, needed)) board.leave(sequence);
    this.prepare(sequence, needed);
  }

  /** Whether what it was queued with is enough on a group: pages or embeddings that it counted on may be gone since. */
  isPrepared(sequence: Sequence, needed: readonly VisualSegment[], staging: Staging): boolean {
    const { board } = this.#parts;
    const [first] = needed;
    if (!first) return true;
    const isFirstThere = staging.isStaged(first.embeddingKey) || board.holderOf(first.embeddingKey) !== undefined;
    return isFirstThere && board.covers(sequence, needed);
  }

  /** An embedding that a sequence needs can be fetched. */
  onReady(sequence: Sequence, key: EmbeddingKey): void {
    if (this.#preparing.get(sequence) !== key) return;
    this.#preparing.delete(sequence);
    this.#enqueue(sequence);
  }

  /** A sequence has ended. */
  leave(sequence: Sequence): void {
    this.#preparing.delete(sequence);
  }

  #enqueue(sequence: Sequence): void {
    this.#parts.queue.add(sequence);
    this.#parts.groups.wakeAll();
  }

  /** The visuals that no group has in its prefix cache. */
  #neededVisuals(sequence: Sequence): VisualSegment[] {
    return sequence.visualsBehind(this.#parts.groups.numCachedTokensOf(sequence));
  }
}
