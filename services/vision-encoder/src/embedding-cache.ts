import type { EmbeddingKey } from '@tessera/domain';

interface Entry {
  readonly embedding: Float32Array;
  numPins: number;
}

/**
 * Embeddings by key, bounded in bytes; the least recently used go first. Those that are pinned stay, so the bound may be
 * exceeded until they are released.
 */
export class EmbeddingCache {
  readonly #maxBytes: number;
  readonly #onEvicted: (key: EmbeddingKey) => void;
  /** Oldest use first. */
  readonly #entries = new Map<EmbeddingKey, Entry>();
  #numBytes = 0;

  constructor(maxBytes: number, onEvicted: (key: EmbeddingKey) => void = () => {}) {
    this.#maxBytes = maxBytes;
    this.#onEvicted = onEvicted;
  }

  get numBytes(): number {
    return this.#numBytes;
  }

  get numEntries(): number {
    return this.#entries.size;
  }

  /** Oldest use first. */
  keys(): Iterable<EmbeddingKey> {
    return this.#entries.keys();
  }

  has(key: EmbeddingKey): boolean {
    return this.#entries.has(key);
  }

  get(key: EmbeddingKey): Float32Array | undefined {
    return this.#use(key)?.embedding;
  }

  /** Keeps what it returns from being evicted until as many calls of `release`. */
  pin(key: EmbeddingKey): Float32Array | undefined {
    const entry = this.#use(key);
    if (entry === undefined) return undefined;
    entry.numPins++;
    return entry.embedding;
  }

  release(key: EmbeddingKey): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.numPins === 0) throw new Error(`Embedding ${key} was released but not pinned.`);
    entry.numPins--;
    this.#evict();
  }

  /** Evicts what must go; false when the embedding alone is above the bound. The key must be new. */
  put(key: EmbeddingKey, embedding: Float32Array): boolean {
    if (this.#entries.has(key)) throw new Error(`Embedding ${key} is there already.`);
    if (embedding.byteLength > this.#maxBytes) return false;
    this.#numBytes += embedding.byteLength;
    this.#evict();
    this.#entries.set(key, { embedding, numPins: 0 });
    return true;
  }

  #use(key: EmbeddingKey): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  #evict(): void {
    for (const [key, { embedding, numPins }] of this.#entries) {
      if (this.#numBytes <= this.#maxBytes) break;
      if (numPins > 0) continue;
      this.#entries.delete(key);
      this.#numBytes -= embedding.byteLength;
      this.#onEvicted(key);
    }
  }
}
