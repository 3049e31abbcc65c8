import type { EmbeddingKey, VisualSegment } from '@tessera/domain';
import type { Sequence } from '../sequence.js';

interface Place {
  readonly numTokens: number;
  readonly users: Set<Sequence>;
}

/**
 * Room in a pool of embeddings, counted in tokens. Sequences with the same embedding share its room; a sequence gets room
 * for all that it needs or for nothing, so that no two ever wait for each other's halves.
 */
export class SharedRoom {
  readonly #places = new Map<EmbeddingKey, Place>();
  #numTokens = 0;

  get numTokens(): number {
    return this.#numTokens;
  }

  /**
   * Gives room for all of a sequence's visuals; false, and nothing changed, when there is too little. Who has the pool
   * for itself always gets it.
   */
  reserve(sequence: Sequence, visuals: readonly VisualSegment[], capacityTokens: number): boolean {
    const absent = new Map(visuals.map(({ embeddingKey, length }) => [embeddingKey, length]));
    for (const key of absent.keys()) if (this.#places.has(key)) absent.delete(key);
    const numTokens = [...absent.values()].reduce((sum, length) => sum + length, 0);
    if (this.#numTokens > 0 && numTokens > 0 && this.#numTokens + numTokens > capacityTokens) return false;
    this.#numTokens += numTokens;
    for (const [key, length] of absent) this.#places.set(key, { numTokens: length, users: new Set() });
    for (const { embeddingKey } of visuals) this.#places.get(embeddingKey)?.users.add(sequence);
    return true;
  }

  /** A sequence needs the room of an embedding no more; true when nobody does. */
  release(sequence: Sequence, key: EmbeddingKey): boolean {
    const place = this.#places.get(key);
    if (!place?.users.delete(sequence) || place.users.size > 0) return false;
    this.#places.delete(key);
    this.#numTokens -= place.numTokens;
    return true;
  }

  usersOf(key: EmbeddingKey): Sequence[] {
    return [...(this.#places.get(key)?.users ?? [])];
  }
}
