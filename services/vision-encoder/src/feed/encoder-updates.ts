import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EmbeddingKey, EncoderUpdate } from '@tessera/domain';
import { UpdateListener } from './update-listener.js';

/** Tells everyone who listens what changes at an encoder; changes of one turn of the event loop come as one update. */
export class EncoderUpdates {
  readonly #listeners = new Set<UpdateListener>();
  readonly #maxUntaken: number;
  #numPendingPatches = 0;
  #end: Error | undefined;

  /** A listener that has left more than `maxUntaken` changes untaken is let go with `queue_full`. */
  constructor(maxUntaken = 100_000) {
    this.#maxUntaken = maxUntaken;
  }

  get numPendingPatches(): number {
    return this.#numPendingPatches;
  }

  get numListeners(): number {
    return this.#listeners.size;
  }

  setPendingPatches(numPatches: number): void {
    this.#numPendingPatches = numPatches;
    for (const listener of this.#listeners) listener.notify();
  }

  ready(embeddingKey: EmbeddingKey): void {
    for (const listener of this.#listeners) listener.ready(embeddingKey);
  }

  evicted(embeddingKey: EmbeddingKey): void {
    for (const listener of this.#listeners) listener.evicted(embeddingKey);
  }

  failed(tickets: readonly string[], embeddingKey: EmbeddingKey): void {
    for (const listener of this.#listeners) listener.fail(tickets, embeddingKey);
  }

  /** Every stream throws `error` after what it has not told yet, and every later one at once. */
  end(error: Error): void {
    this.#end ??= error;
    for (const listener of this.#listeners) listener.end(error);
  }

  /** All of `held`, read when listening begins, then the changes; ends quietly when `signal` aborts. */
  async *listen(held: () => Iterable<EmbeddingKey>, signal: AbortSignal): AsyncIterable<EncoderUpdate> {
    if (this.#end) throw this.#end;
    const listener = new UpdateListener(held(), this.#maxUntaken);
    const wake = (): void => listener.notify();
    this.#listeners.add(listener);
    signal.addEventListener('abort', wake, { once: true });
    try {
      while (!signal.aborted) {
        yield { ...listener.take(), numPendingPatches: this.#numPendingPatches };
        await listener.changed();
        await nextTurn();
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#listeners.delete(listener);
    }
  }
}
