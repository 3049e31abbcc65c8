import { type EmbeddingKey, type EmbeddingStore, ServingError, type StagedEmbedding } from '@tessera/domain';
import { createFakeEmbedding } from './fake-embedding.js';
import { Gate } from './gate.js';

/** What an encoder holds, without an encoder: tests say what is there, what was evicted and what fails. */
export class FakeEmbeddingStore implements EmbeddingStore {
  /** Every fetch that came in, misses too. */
  readonly fetched: EmbeddingKey[] = [];
  readonly fetches = new Gate();
  readonly #hiddenSize: number;
  readonly #numTokens = new Map<EmbeddingKey, number>();
  readonly #spoiled = new Set<EmbeddingKey>();
  readonly #failures: Error[] = [];
  #numMissesToCome = 0;

  constructor(hiddenSize = 4) {
    this.#hiddenSize = hiddenSize;
  }

  put(key: EmbeddingKey, numTokens: number): void {
    this.#numTokens.set(key, numTokens);
  }

  evict(key: EmbeddingKey): void {
    this.#numTokens.delete(key);
  }

  /** Makes the rows of an embedding values that are not numbers. */
  spoil(key: EmbeddingKey): void {
    this.#spoiled.add(key);
  }

  /** The next fetch finds that its embedding was evicted a moment before. */
  missNextFetch(): void {
    this.#numMissesToCome++;
  }

  failNextFetch(error: Error = new ServingError('internal', 'The fetch failed.')): void {
    this.#failures.push(error);
  }

  holds(key: EmbeddingKey): boolean {
    return this.#numTokens.has(key);
  }

  async fetch(key: EmbeddingKey): Promise<StagedEmbedding | undefined> {
    this.fetched.push(key);
    await this.fetches.pass();
    const failure = this.#failures.shift();
    if (failure) throw failure;
    if (this.#numMissesToCome > 0) {
      this.#numMissesToCome--;
      this.evict(key);
    }
    const numTokens = this.#numTokens.get(key);
    if (numTokens === undefined) return undefined;
    const embedding = createFakeEmbedding(key, numTokens, this.#hiddenSize);
    if (this.#spoiled.has(key)) embedding.data.fill(Number.NaN);
    return embedding;
  }
}
