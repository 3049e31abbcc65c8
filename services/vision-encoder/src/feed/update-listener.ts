import { type EmbeddingKey, type EncoderUpdate, ServingError } from '@tessera/domain';

/**
 * What one listener has not been told yet. Changes of the same key merge: the last one counts, so a key that came and
 * went in between is `evicted` only, and one that went and came back is `ready` once more.
 */
export class UpdateListener {
  /** Whether a key is held now, of those that changed. */
  #changes = new Map<EmbeddingKey, boolean>();
  #failed: EncoderUpdate['failed'][number][] = [];
  readonly #maxUntaken: number;
  #end: Error | undefined;
  #isLetGo = false;
  #isNotified = false;
  #wake: () => void = () => {};

  constructor(held: Iterable<EmbeddingKey>, maxUntaken: number) {
    for (const key of held) this.#changes.set(key, true);
    this.#maxUntaken = this.#changes.size + maxUntaken;
  }

  change(embeddingKey: EmbeddingKey, isHeld: boolean): void {
    if (this.#isLetGo) return;
    this.#changes.set(embeddingKey, isHeld);
    this.#bound();
  }

  fail(tickets: readonly string[], embeddingKey: EmbeddingKey): void {
    if (this.#isLetGo) return;
    for (const ticket of tickets) this.#failed.push({ ticket, embeddingKey });
    this.#bound();
  }

  end(error: Error): void {
    this.#end ??= error;
    this.notify();
  }

  notify(): void {
    this.#isNotified = true;
    this.#wake();
  }

  /** Resolves when there is something to take; throws the end when there is nothing before it. */
  async changed(): Promise<void> {
    if (!this.#isNotified && !this.#end) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#end && this.#isEmpty()) throw this.#end;
  }

  take(): Omit<EncoderUpdate, 'numPendingPatches'> {
    const keysThatAre = (isHeld: boolean): EmbeddingKey[] =>
      [...this.#changes].filter(([, held]) => held === isHeld).map(([key]) => key);
    const update = { ready: keysThatAre(true), evicted: keysThatAre(false), failed: this.#failed };
    this.#changes = new Map();
    this.#failed = [];
    this.#isNotified = false;
    return update;
  }

  #isEmpty(): boolean {
    return this.#changes.size + this.#failed.length === 0;
  }

  #bound(): void {
    const numUntaken = this.#changes.size + this.#failed.length;
    if (numUntaken > this.#maxUntaken) {
      this.#isLetGo = true;
      this.#changes.clear();
      this.#failed = [];
      this.#end = new ServingError('queue_full', `A listener left ${numUntaken} changes untaken.`, {
        limit: this.#maxUntaken,
      });
    }
    this.notify();
  }
}
