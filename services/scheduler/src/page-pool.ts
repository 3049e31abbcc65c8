import { type PageId, pageId } from '@tessera/domain';

/** The free pages of a KV pool. */
export class PagePool {
  readonly numPages: number;
  readonly #free: PageId[];
  readonly #allocated = new Set<PageId>();

  constructor(numPages: number) {
    this.numPages = numPages;
    this.#free = Array.from({ length: numPages }, (_, i) => pageId(numPages - 1 - i));
  }

  get numFree(): number {
    return this.#free.length;
  }

  /** The pages freed last come first, otherwise the lowest; undefined when there are not so many. */
  allocate(count: number): PageId[] | undefined {
    if (count > this.#free.length) return undefined;
    const pages = this.#free.splice(this.#free.length - count).reverse();
    for (const page of pages) this.#allocated.add(page);
    return pages;
  }

  free(pages: readonly PageId[]): void {
    for (const page of pages) {
      if (!this.#allocated.delete(page)) {
        throw new Error(`The page ${page} is freed but not allocated; ${this.numFree} of ${this.numPages} are free.`);
      }
    }
    this.#free.push(...[...pages].reverse());
  }
}
