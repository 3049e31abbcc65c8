import type { EmbeddingKey } from '@tessera/domain';

/** Embeddings by key, bounded in bytes; the least recently used go first. */
export class EmbeddingCache {
  readonly #maxBytes: number;
  /** Oldest use first. */
  readonly #entries = new Map<EmbeddingKey, Float32Array>();
  #numBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get numBytes(): number {
    return this.#numBytes;
  }

  get numEntries(): number {
    return this.#entries.size;
  }

  has(key: EmbeddingKey): boolean {
    return this.#entries.has(key);
  }

  get(key: EmbeddingKey): Float32Array | undefined {
    const embedding = this.#entries.get(key);
    if (!embedding) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, embedding);
    return embedding;
  }

  /** Evicts what must go; false when the embedding alone is above the bound. */
  put(key: EmbeddingKey, embedding: Float32Array): boolean {
    if (embedding.byteLength > this.#maxBytes) return false;
    this.#remove(key);
    this.#entries.set(key, embedding);
    this.#numBytes += embedding.byteLength;
    for (const oldest of this.#entries.keys()) {
      if (this.#numBytes <= this.#maxBytes) break;
      this.#remove(oldest);
    }
    return true;
  }

  #remove(key: EmbeddingKey): void {
    this.#numBytes -= this.#entries.get(key)?.byteLength ?? 0;
    this.#entries.delete(key);
  }
}
