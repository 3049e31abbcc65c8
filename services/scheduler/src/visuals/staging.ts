import { setImmediate as nextTurn } from 'node:timers/promises';
import { type EmbeddingKey, type RankGroup, ServingError, type VisualSegment } from '@tessera/domain';
import type { Sequence } from '../sequence.js';
import { SharedRoom } from './shared-room.js';

export interface StagingOptions {
  readonly group: Pick<RankGroup, 'stage' | 'unstage'>;
  /** Visual tokens that the ranks keep at once. */
  readonly capacityTokens: number;
  /** Where an embedding can be fetched now. */
  readonly holderOf: (key: EmbeddingKey) => string | undefined;
  /** The ranks have the rows: these may be computed. */
  readonly onStaged: (key: EmbeddingKey, users: readonly Sequence[]) => void;
  /** The encoder did not hold it any more: it is to be made again for these. */
  readonly onMiss: (address: string, key: EmbeddingKey, users: readonly Sequence[]) => void;
  /** The ranks cannot take the rows, and making them again would change nothing: these are to end. */
  readonly onFailed: (key: EmbeddingKey, error: Error, users: readonly Sequence[]) => void;
}

interface Entry {
  readonly numTokens: number;
  state: 'absent' | 'fetching' | 'staged';
}

/**
 * Embeddings on the ranks of one group, counted by the sequences that use them: sequences with the same picture share
 * one. A sequence gets room for all that it needs or for nothing.
 */
export class Staging {
  readonly #options: StagingOptions;
  readonly #room = new SharedRoom();
  readonly #entries = new Map<EmbeddingKey, Entry>();

  constructor(options: StagingOptions) {
    this.#options = options;
  }

  /** Embeddings that have room, there or on their way. */
  get numEmbeddings(): number {
    return this.#entries.size;
  }

  /** Gives room to all of a sequence's visuals and gets those that can be fetched; false when there is too little. */
  reserve(sequence: Sequence, visuals: readonly VisualSegment[]): boolean {
    if (!this.#room.reserve(sequence, visuals, this.#options.capacityTokens)) return false;
    for (const { embeddingKey, length } of visuals) {
      if (!this.#entries.has(embeddingKey)) this.#entries.set(embeddingKey, { numTokens: length, state: 'absent' });
      if (this.isStaged(embeddingKey)) this.#options.onStaged(embeddingKey, [sequence]);
      else this.fetch(embeddingKey);
    }
    return true;
  }

  /** Gets an embedding that somebody has room for, when an encoder holds it. */
  fetch(key: EmbeddingKey): void {
    const entry = this.#entries.get(key);
    const encoderAddress = this.#options.holderOf(key);
    if (entry?.state !== 'absent' || encoderAddress === undefined) return;
    entry.state = 'fetching';
    void this.#stage(key, entry, encoderAddress);
  }

  isStaged(key: EmbeddingKey): boolean {
    return this.#entries.get(key)?.state === 'staged';
  }

  /** There, or on its way from an encoder. */
  isComing(key: EmbeddingKey): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.state !== 'absent';
  }

  /** A sequence has computed all that it needed of an embedding. */
  release(sequence: Sequence, key: EmbeddingKey): void {
    if (!this.#room.release(sequence, key)) return;
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    // One on its way is dropped when it is there: commands run in order.
    if (entry?.state !== 'absent') this.#options.group.unstage(key).catch(ignoreLostGroup);
  }

  releaseAll(sequence: Sequence): void {
    for (const { embeddingKey } of sequence.visuals) this.release(sequence, embeddingKey);
  }

  async #stage(key: EmbeddingKey, entry: Entry, encoderAddress: string): Promise<void> {
    const { group, onStaged, onMiss, onFailed } = this.#options;
    const embedding = { embeddingKey: key, encoderAddress, numTokens: entry.numTokens };
    const outcome = await group.stage(embedding).catch((error: Error) => error);
    // A group that is lost rejects its calls and lets its sequences go in one turn: then nobody is left to be told.
    if (outcome instanceof Error) await nextTurn();
    entry.state = outcome === true ? 'staged' : 'absent';
    if (this.#entries.get(key) !== entry) return;
    const users = this.#room.usersOf(key);
    if (outcome === true) onStaged(key, users);
    else if (outcome === false || isUnavailable(outcome)) onMiss(encoderAddress, key, users);
    else {
      // Some of the ranks may have it.
      group.unstage(key).catch(ignoreLostGroup);
      onFailed(key, outcome, users);
    }
  }
}

/** A group that is lost holds nothing any more. */
function ignoreLostGroup(): void {}

/** The encoder, or the way to it, is gone. */
function isUnavailable(error: Error): boolean {
  return error instanceof ServingError && error.code === 'UNAVAILABLE';
}
