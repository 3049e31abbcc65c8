import type { EmbeddingKey, RankGroup, VisualSegment } from '@tessera/domain';
import type { Sequence } from '../sequence.js';

export interface StagingOptions {
  readonly group: Pick<RankGroup, 'stage' | 'unstage'>;
  /** Visual tokens that the ranks keep at once. */
  readonly capacityTokens: number;
  /** Where an embedding can be fetched now. */
  readonly holderOf: (key: EmbeddingKey) => string | undefined;
  /** Rows came: whoever waited for them may be computed. */
  readonly onStaged: (key: EmbeddingKey, users: readonly Sequence[]) => void;
  /** The encoder did not hold it any more: it is to be made again for these. */
  readonly onMiss: (address: string, key: EmbeddingKey, users: readonly Sequence[]) => void;
}

interface Entry {
  readonly numTokens: number;
  readonly users: Set<Sequence>;
  state: 'absent' | 'fetching' | 'staged';
}

/**
 * Embeddings on the ranks of one group, counted by the sequences that use them: sequences with the same picture share
 * one. A sequence gets room for all that it needs or for nothing.
 */
export class Staging {
  readonly #options: StagingOptions;
  readonly #entries = new Map<EmbeddingKey, Entry>();
  #numTokens = 0;

  constructor(options: StagingOptions) {
    this.#options = options;
  }

  /** Embeddings that have room, there or on their way. */
  get numEmbeddings(): number {
    return this.#entries.size;
  }

  get numTokens(): number {
    return this.#numTokens;
  }

  /** Gives room to all of a sequence's visuals; false, and nothing changed, when there is too little. */
  reserve(sequence: Sequence, visuals: readonly VisualSegment[]): boolean {
    const absent = new Map(visuals.map(({ embeddingKey, length }) => [embeddingKey, length]));
    for (const key of this.#entries.keys()) absent.delete(key);
    const numTokens = [...absent.values()].reduce((sum, length) => sum + length, 0);
    if (this.#numTokens > 0 && this.#numTokens + numTokens > this.#options.capacityTokens) return false;
    this.#numTokens += numTokens;
    for (const [key, length] of absent) {
      this.#entries.set(key, { numTokens: length, users: new Set(), state: 'absent' });
    }
    for (const { embeddingKey } of visuals) this.#entries.get(embeddingKey)?.users.add(sequence);
    for (const { embeddingKey } of visuals) this.fetch(embeddingKey);
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

  /** A sequence has computed all that it needed of an embedding. */
  release(sequence: Sequence, key: EmbeddingKey): void {
    const entry = this.#entries.get(key);
    if (!entry?.users.delete(sequence) || entry.users.size > 0) return;
    this.#entries.delete(key);
    this.#numTokens -= entry.numTokens;
    // One on its way is dropped when it is there: commands run in order.
    if (entry.state !== 'absent') this.#options.group.unstage(key).catch(ignoreLostGroup);
  }

  releaseAll(sequence: Sequence): void {
    for (const { embeddingKey } of sequence.visuals) this.release(sequence, embeddingKey);
  }

  async #stage(key: EmbeddingKey, entry: Entry, encoderAddress: string): Promise<void> {
    const { group, onStaged, onMiss } = this.#options;
    let isStaged = false;
    try {
      isStaged = await group.stage({ embeddingKey: key, encoderAddress, numTokens: entry.numTokens });
    } catch {
      // The group or the encoder is lost: the former ends this object, the latter reads as a miss.
    }
    entry.state = isStaged ? 'staged' : 'absent';
    if (this.#entries.get(key) !== entry) return;
    if (isStaged) onStaged(key, [...entry.users]);
    else onMiss(encoderAddress, key, [...entry.users]);
  }
}

/** A group that is lost holds nothing any more. */
function ignoreLostGroup(): void {}
