import { EventEmitter, on } from 'node:events';
import {
  type EmbeddingKey,
  type EncoderFeed,
  type EncoderUpdate,
  ServingError,
  type VisionEncoderDescription,
} from '@tessera/domain';

/**
 * An encoder as the scheduler sees it, without an encoder: tests say what becomes ready, is evicted or fails. Every
 * change is an update of its own.
 */
export class FakeEncoderFeed implements EncoderFeed {
  readonly address: string;
  readonly description: VisionEncoderDescription;
  readonly #events = new EventEmitter();
  readonly #held = new Set<EmbeddingKey>();
  #numPendingPatches = 0;
  #loss: Error | undefined;

  constructor(address = 'fake-encoder', given: Partial<VisionEncoderDescription> = {}) {
    this.address = address;
    this.description = { modelRevision: 'fake', hiddenSize: 4, cacheBytes: 2 ** 20, ...given };
    this.#events.setMaxListeners(0);
  }

  /** Number of callers of `updates` that still listen. */
  get numListeners(): number {
    return this.#events.listenerCount('update');
  }

  holds(key: EmbeddingKey): boolean {
    return this.#held.has(key);
  }

  ready(key: EmbeddingKey): void {
    this.#held.add(key);
    this.#say({ ready: [key] });
  }

  evict(key: EmbeddingKey): void {
    this.#held.delete(key);
    this.#say({ evicted: [key] });
  }

  /** A job came to nothing. */
  fail(ticket: string, embeddingKey: EmbeddingKey): void {
    this.#say({ failed: [{ ticket, embeddingKey }] });
  }

  setPendingPatches(numPatches: number): void {
    this.#numPendingPatches = numPatches;
    this.#say({});
  }

  /** The encoder is gone: every listener's stream fails, and so does every later one. */
  lose(error: Error = new ServingError('worker_failed', `The encoder at ${this.address} is gone.`)): void {
    this.#loss = error;
    if (this.#events.listenerCount('error') > 0) this.#events.emit('error', error);
  }

  async *updates(signal: AbortSignal): AsyncIterable<EncoderUpdate> {
    if (this.#loss) throw this.#loss;
    if (signal.aborted) return;
    const changes = on(this.#events, 'update', { signal });
    try {
      yield this.#update({ ready: [...this.#held] });
      for await (const [update] of changes) yield update;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await changes.return?.();
    }
  }

  #say(changes: Partial<EncoderUpdate>): void {
    this.#events.emit('update', this.#update(changes));
  }

  #update(changes: Partial<EncoderUpdate>): EncoderUpdate {
    return { ready: [], evicted: [], failed: [], numPendingPatches: this.#numPendingPatches, ...changes };
  }
}
