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

  /** Rows that are still on their way are unstaged when they are there, unless somebody wants them by then. */
  async release(key: EmbeddingKey): Promise<void> {
    const entry = this.#entries.get(key);
    if (!entry || --entry.numUsers > 0) return;
    // Who acquired them hears of a failure.
    await entry.ready.catch(() => {});
    if (entry.numUsers > 0 || this.#entries.get(key) !== entry) return;
    this.#entries.delete(key);
    // Only a dead decoder refuses, and the rows are gone with it.
    await this.#decoder.unstage(key).catch(() => {});
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
