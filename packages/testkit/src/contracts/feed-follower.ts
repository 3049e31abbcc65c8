import type { EmbeddingKey, EncoderFeed, EncoderUpdate } from '@tessera/domain';

/** What a listener of an encoder knows, update by update. */
export class FeedFollower {
  readonly held = new Set<EmbeddingKey>();
  readonly failed: EncoderUpdate['failed'][number][] = [];
  numPendingPatches = 0;
  readonly #updates: AsyncIterator<EncoderUpdate>;

  constructor(feed: Pick<EncoderFeed, 'updates'>, signal: AbortSignal) {
    this.#updates = feed.updates(signal)[Symbol.asyncIterator]();
  }

  /** Listens until what it knows is so; false when the stream ended before. */
  async until(isSo: (known: this) => boolean): Promise<boolean> {
    do {
      const update = await this.#updates.next();
      if (update.done) return false;
      this.#apply(update.value);
    } while (!isSo(this));
    return true;
  }

  #apply({ ready, evicted, failed, numPendingPatches }: EncoderUpdate): void {
    for (const key of ready) this.held.add(key);
    for (const key of evicted) this.held.delete(key);
    this.failed.push(...failed);
    this.numPendingPatches = numPendingPatches;
  }
}
