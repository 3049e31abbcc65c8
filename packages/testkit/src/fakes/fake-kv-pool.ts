import type { KvLayout, PageId } from '@tessera/domain';

/** A paged pool whose slots hold, in place of keys and values, the digest of the sequence up to there. */
export class FakeKvPool {
  readonly #pageLen: number;
  readonly #slots = new Map<number, number>();

  constructor({ pageLen }: KvLayout) {
    this.#pageLen = pageLen;
  }

  /** Undefined where nothing was ever written. */
  read(pages: readonly PageId[], position: number): number | undefined {
    return this.#slots.get(this.#slotOf(pages, position));
  }

  write(pages: readonly PageId[], position: number, digest: number): void {
    this.#slots.set(this.#slotOf(pages, position), digest);
  }

  #slotOf(pages: readonly PageId[], position: number): number {
    return pages[Math.floor(position / this.#pageLen)] * this.#pageLen + (position % this.#pageLen);
  }
}
