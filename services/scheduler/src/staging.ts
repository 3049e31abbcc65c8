import type { DecoderEngine, EmbeddingKey, StagedEmbedding } from '@tessera/domain';

interface Entry {
  numUsers: number;
  /** Settles when the rows are on the decoder; false when they could not be had. */
  readonly ready: Promise<boolean>;
}

/** Embeddings on the decoder, counted by the sequences that use them: sequences with the same picture share one. */
export class Staging {
  readonly #decoder: Pick<DecoderEngine, 'stage' | 'unstage'>;
  readonly #entries = new Map<EmbeddingKey, Entry>();

  constructor(decoder: Pick<DecoderEngine, 'stage' | 'unstage'>) {
    this.#decoder = decoder;
  }

  get numStaged(): number {
    return this.#entries.size;
  }

  /** Counts one more user; the first one fetches and stages the rows. False on an explicit miss: then it is no user. */
  async acquire(key: EmbeddingKey, fetch: () => Promise<StagedEmbedding | undefined>): Promise<boolean> {
    const entry = this.#entries.get(key) ?? { numUsers: 0, ready: this.#stage(key, fetch) };
    this.#entries.set(key, entry);
    entry.numUsers++;
    return entry.ready;
  }

  async release(key: EmbeddingKey): Promise<void> {
    const entry = this.#entries.get(key);
    if (!entry || --entry.numUsers > 0) return;
    this.#entries.delete(key);
    if (await entry.ready) await this.#decoder.unstage(key);
  }

  async #stage(key: EmbeddingKey, fetch: () => Promise<StagedEmbedding | undefined>): Promise<boolean> {
    let isStaged = false;
    try {
      const embedding = await fetch();
      if (embedding) await this.#decoder.stage(embedding);
      isStaged = embedding !== undefined;
    } finally {
      if (!isStaged) this.#entries.delete(key);
    }
    return isStaged;
  }
}
