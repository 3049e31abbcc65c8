import { type PageId, pageId } from '@tessera/domain';

/** Pages in an order, as a ring linked over two arrays: every operation takes the same time, however long it is. */
export class PageList {
  /** Stands before the first and after the last page. */
  readonly #end: number;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  #length = 0;

  constructor(numPages: number) {
    this.#end = numPages;
    this.#next = new Int32Array(numPages + 1);
    this.#previous = new Int32Array(numPages + 1);
    this.#link(this.#end, this.#end);
  }

  get length(): number {
    return this.#length;
  }

  get first(): PageId | undefined {
    return this.#length === 0 ? undefined : pageId(this.#next[this.#end]);
  }

  /** Appends a page that is not in the list. */
  push(page: PageId): void {
    this.#link(this.#previous[this.#end], page);
    this.#link(page, this.#end);
    this.#length++;
  }

  /** Takes out a page that is in the list. */
  remove(page: PageId): void {
    this.#link(this.#previous[page], this.#next[page]);
    this.#length--;
  }

  *[Symbol.iterator](): Generator<PageId> {
    for (let page = this.#next[this.#end]; page !== this.#end; page = this.#next[page]) yield pageId(page);
  }

  #link(before: number, after: number): void {
    this.#next[before] = after;
    this.#previous[after] = before;
  }
}
