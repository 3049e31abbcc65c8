import { type EmbeddingKey, type EncoderUpdate, ServingError } from '@tessera/domain';

/** What became of a key since the listener was told last. */
type KeyChange = 'ready' | 'evicted' | 'readyThenEvicted';

/**
 * What one listener has not been told yet. Changes of the same key merge: one that went and came back is `ready` once
 * more; one that came and went is `ready` in one update and `evicted` in the next, so that whoever waited for it hears
 * of it.
 */
export class UpdateListener {
  #changes = new Map<EmbeddingKey, KeyChange>();
  #failed: EncoderUpdate['failed'][number][] = [];
  readonly #maxUntaken: number;
  #end: Error | undefined;
  #isLetGo = false;
  #isNotified = false;
  #wake: () => void = () => {};

  constructor(held: Iterable<EmbeddingKey>, maxUntaken: number) {
    for (const key of held) this.#changes.set(key, 'ready');
    this.#maxUntaken = this.#changes.size + maxUntaken;
  }

  ready(embeddingKey: EmbeddingKey): void {
    this.#change(embeddingKey, 'ready');
  }

  evicted(embeddingKey: EmbeddingKey): void {
    const before = this.#changes.get(embeddingKey) ?? 'evicted';
    this.#change(embeddingKey, before === 'evicted' ? 'evicted' : 'readyThenEvicted');
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
    const changes = [...this.#changes];
    const ready = changes.filter(([, change]) => change !== 'evicted').map(([key]) => key);
    const evicted = changes.filter(([, change]) => change === 'evicted').map(([key]) => key);
    const update = { ready, evicted, failed: this.#failed };
    const gone = changes.filter(([, change]) => change === 'readyThenEvicted');
    this.#changes = new Map(gone.map(([key]) => [key, 'evicted']));
    this.#failed = [];
    this.#isNotified = gone.length > 0;
    return update;
  }

  #change(embeddingKey: EmbeddingKey, change: KeyChange): void {
    if (this.#isLetGo) return;
    this.#changes.set(embeddingKey, change);
    this.#bound();
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
