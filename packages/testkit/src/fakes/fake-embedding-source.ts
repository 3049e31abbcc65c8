import { type EmbeddingKey, type EmbeddingSource, ServingError, type StagedEmbedding } from '@tessera/domain';
import { createFakeEmbedding } from './fake-embedding.js';
import { Gate } from './gate.js';

/** An encoder's cache without an encoder: tests say what is held, what was evicted and what fails. */
export class FakeEmbeddingSource implements EmbeddingSource {
  readonly address = 'fake-encoder';
  /** Every fetch that came in, misses too. */
  readonly fetched: EmbeddingKey[] = [];
  readonly fetches = new Gate();
  readonly #hiddenSize: number;
  readonly #numTokens = new Map<EmbeddingKey, number>();
  readonly #spoiled = new Set<EmbeddingKey>();
  readonly #failures: Error[] = [];
  #waiters: (() => void)[] = [];
  #numMissesToCome = 0;

  constructor(hiddenSize = 4) {
    this.#hiddenSize = hiddenSize;
  }

  /** Number of callers in `waitUntilReady`. */
  get numWaiting(): number {
    return this.#waiters.length;
  }

  put(key: EmbeddingKey, numTokens: number): void {
    this.#numTokens.set(key, numTokens);
    for (const wake of this.#waiters.splice(0)) wake();
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

  async waitUntilReady(key: EmbeddingKey, signal: AbortSignal): Promise<void> {
    while (!this.holds(key)) await this.#woken(signal);
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

  #woken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      const abort = (): void => {
        this.#waiters = this.#waiters.filter((waiter) => waiter !== wake);
        reject(new ServingError('cancelled', 'The request was cancelled.'));
      };
      this.#waiters.push(wake);
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });
  }
}
