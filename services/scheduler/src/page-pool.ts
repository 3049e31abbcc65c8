import { type PageId, pageId } from '@tessera/domain';

/** The free pages of a KV pool. */
export class PagePool {
  readonly numPages: number;
  readonly #free: PageId[];

  constructor(numPages: number) {
    this.numPages = numPages;
    this.#free = Array.from({ length: numPages }, (_, i) => pageId(numPages - 1 - i));
  }

  get numFree(): number {
    return this.#free.length;
  }

  /** Lowest ids first; undefined when there are not so many. */
  allocate(count: number): PageId[] | undefined {
    if (count > this.#free.length) return undefined;
    return this.#free.splice(this.#free.length - count).reverse();
  }

  free(pages: readonly PageId[]): void {
    this.#free.push(...[...pages].reverse());
    if (this.#free.length > this.numPages) throw new Error(`${this.#free.length} of ${this.numPages} pages are free.`);
  }
}
