import { type BlockHash, type PageId, type PageRecord, pageId, type Seal } from '@tessera/domain';
import { PageList } from './page-list.js';

/** A page that is not free, as far as pages are concerned: who the holders are is the scheduler's knowledge. */
export type AccountedPage = Omit<PageRecord, 'sequenceIds'>;

/**
 * The pages of one rank group's pool. Every page is in one of three states:
 *
 * ```
 *   free ──allocate──▶ owned ──release, hashed──▶ cached ──acquire──▶ owned
 *     ▲                  │                           │
 *     └─release, unhashed┘                           └──allocate (evicts) ──▶ owned
 * ```
 *
 * All changes are immediate and take the same time per page, however large the pool is. A page may be released, and
 * given out again, while a step under way still writes to it: ranks run steps in order, so whoever gets it writes later.
 * A hash is published after the result of the step that filled its page.
 */
export class PageAccounting {
  readonly numPages: number;
  /** The last one is given first. */
  #free: PageId[];
  /** The first one is evicted first. */
  readonly #cached: PageList;
  readonly #index = new Map<BlockHash, PageId>();
  readonly #hashes: (BlockHash | undefined)[];
  readonly #numHolders: Uint32Array;
  readonly #generations: Float64Array;
  readonly #changed = new Set<PageId>();

  constructor({ numPages }: { readonly numPages: number }) {
    this.numPages = numPages;
    this.#free = Array.from({ length: numPages }, (_, i) => pageId(numPages - 1 - i));
    this.#cached = new PageList(numPages);
    this.#hashes = new Array<BlockHash | undefined>(numPages).fill(undefined);
    this.#numHolders = new Uint32Array(numPages);
    this.#generations = new Float64Array(numPages);
  }

  get numFree(): number {
    return this.#free.length;
  }

  get numCached(): number {
    return this.#cached.length;
  }

  get numOwned(): number {
    return this.numPages - this.numFree - this.numCached;
  }

  /** Whether so many pages are free or can be evicted. */
  canAllocate(count: number): boolean {
    return count <= this.numFree + this.numCached;
  }

  /**
   * Pages for new content, each held once: free ones, those freed last first, otherwise the lowest; then the least
   * recently used cached ones, which lose their hash. Undefined when there are not so many.
   */
  allocate(count: number): PageId[] | undefined {
    if (!this.canAllocate(count)) return undefined;
    return Array.from({ length: count }, () => {
      const page = this.#free.pop() ?? this.#evict();
      this.#generations[page]++;
      this.#numHolders[page] = 1;
      this.#changed.add(page);
      return page;
    });
  }

  /** Pages of the longest run of hashes, from the first one on, that are all found. Nothing is acquired or touched. */
  lookup(hashes: readonly BlockHash[]): PageId[] {
    const pages: PageId[] = [];
    for (const hash of hashes) {
      const page = this.#index.get(hash);
      if (page === undefined) break;
      pages.push(page);
    }
    return pages;
  }

  /** The page with this content, held once more; undefined when there is none. */
  acquire(hash: BlockHash): PageId | undefined {
    const page = this.#index.get(hash);
    if (page !== undefined) this.acquirePages([page]);
    return page;
  }

  /** Holds pages that are owned or cached once more, such as those of a lookup. */
  acquirePages(pages: readonly PageId[]): void {
    for (const page of pages) {
      if (!this.#isOwned(page)) {
        if (this.#hashes[page] === undefined) throw this.#broken(`the free page ${page} is acquired`);
        this.#cached.remove(page);
      }
      this.#numHolders[page]++;
      this.#changed.add(page);
    }
  }

  /**
   * Lets go of pages once each, in the order given. A page that nobody holds any more is cached when it has a hash, and
   * evicted after all that are cached now; otherwise it is free. Give a sequence's pages last to first, so that a
   * prefix outlives what continues it.
   */
  release(pages: readonly PageId[]): void {
    for (const page of pages) {
      if (!this.#isOwned(page)) throw this.#broken(`the page ${page} is released but not owned`);
      this.#changed.add(page);
      if (--this.#numHolders[page] > 0) continue;
      if (this.#hashes[page] === undefined) this.#free.push(page);
      else this.#cached.push(page);
    }
  }

  /**
   * Lets an owned, filled page be found under the hash of its content. `duplicate` when another page is found under it
   * already: that one stays, and this one keeps no hash.
   */
  publish(page: PageId, hash: BlockHash): 'published' | 'duplicate' {
    if (!this.#isOwned(page)) throw this.#broken(`the page ${page} is published but not owned`);
    const known = this.#hashes[page];
    if (known !== undefined && known !== hash) {
      throw this.#broken(`the page ${page} is published under ${hash} and under ${known}`);
    }
    if ((this.#index.get(hash) ?? page) !== page) return 'duplicate';
    this.#setHash(page, hash);
    return 'published';
  }

  /**
   * Lets a page be found under a hash no more; one that nobody holds is free then. Nothing happens when another page, or
   * none, is found under it.
   */
  unpublish(page: PageId, hash: BlockHash): void {
    if (this.#index.get(hash) !== page) return;
    if (!this.#isOwned(page)) {
      this.#cached.remove(page);
      this.#free.push(page);
    }
    this.#dropHash(page, hash);
  }

  /**
   * Takes pages as cached that all ranks sealed alike, after a takeover; returns how many. Only free pages can be
   * adopted. Of two pages with one hash the first is taken; the first of all is evicted first.
   */
  adopt(seals: readonly Seal[]): number {
    let numAdopted = 0;
    for (const { pageId: page, blockHash, generation } of seals) {
      if (!(page in this.#hashes) || this.#isOwned(page) || this.#hashes[page] !== undefined) {
        throw this.#broken(`the page ${page} is adopted but not free`);
      }
      this.#generations[page] = generation;
      if (this.#index.has(blockHash)) continue;
      this.#setHash(page, blockHash);
      this.#cached.push(page);
      numAdopted++;
    }
    this.#free = this.#free.filter((page) => this.#hashes[page] === undefined);
    return numAdopted;
  }

  /** Makes all cached pages free. Owned ones keep their hashes. */
  evictAll(): void {
    while (this.#cached.length > 0) this.#free.push(this.#evict());
  }

  /** What the page's content is sealed with: how often it has been given to new content. */
  generationOf(page: PageId): number {
    return this.#generations[page];
  }

  /** Undefined when the page is free. */
  record(page: PageId): AccountedPage | undefined {
    const blockHash = this.#hashes[page];
    const generation = this.#generations[page];
    if (this.#isOwned(page)) return { pageId: page, state: 'owned', blockHash, generation };
    return blockHash && { pageId: page, state: 'cached', blockHash, generation };
  }

  /** All pages that are not free, by id. */
  records(): AccountedPage[] {
    const pages = Array.from({ length: this.numPages }, (_, i) => this.record(pageId(i)));
    return pages.filter((page) => page !== undefined);
  }

  /** Pages whose record, or whose holders, changed since the last call. */
  takeChanged(): PageId[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  /**
   * Counts everything again; throws where the counts disagree. Given all lists of pages that somebody holds, it
   * compares every page's number of holders, too.
   */
  checkIntegrity(held?: Iterable<readonly PageId[]>): void {
    const numListed = new Uint32Array(this.numPages);
    for (const page of this.#free) {
      numListed[page]++;
      if (this.#hashes[page] !== undefined) throw this.#broken(`the free page ${page} has a hash`);
    }
    for (const page of this.#cached) {
      numListed[page]++;
      if (this.#hashes[page] === undefined) throw this.#broken(`the cached page ${page} has no hash`);
    }
    let numHashed = 0;
    for (let page = pageId(0); page < this.numPages; page = pageId(page + 1)) {
      if (numListed[page] !== (this.#isOwned(page) ? 0 : 1)) {
        const holders = `${this.#numHolders[page]} holders`;
        throw this.#broken(`the page ${page} has ${holders} and is ${numListed[page]} times among those without`);
      }
      const hash = this.#hashes[page];
      if (hash === undefined) continue;
      numHashed++;
      if (this.#index.get(hash) !== page) throw this.#broken(`the page ${page} is not found under its hash`);
    }
    if (numHashed !== this.#index.size) {
      throw this.#broken(`${this.#index.size} hashes are indexed and ${numHashed} pages have one`);
    }
    if (held) this.#checkHolders(held);
  }

  #checkHolders(held: Iterable<readonly PageId[]>): void {
    const numHolders = new Uint32Array(this.numPages);
    for (const pages of held) for (const page of pages) numHolders[page]++;
    for (const [page, count] of numHolders.entries()) {
      if (count === this.#numHolders[page]) continue;
      throw this.#broken(`the page ${page} is held ${count} times and counts ${this.#numHolders[page]}`);
    }
  }

  #isOwned(page: PageId): boolean {
    return this.#numHolders[page] > 0;
  }

  #setHash(page: PageId, hash: BlockHash): void {
    this.#hashes[page] = hash;
    this.#index.set(hash, page);
    this.#changed.add(page);
  }

  #dropHash(page: PageId, hash: BlockHash): void {
    this.#hashes[page] = undefined;
    this.#index.delete(hash);
    this.#changed.add(page);
  }

  /** Takes the least recently used page out of the cache. */
  #evict(): PageId {
    const page = this.#cached.first;
    if (page === undefined) throw this.#broken('a page is evicted and none is cached');
    this.#cached.remove(page);
    this.#dropHash(page, this.#hashes[page] as BlockHash);
    return page;
  }

  #broken(what: string): Error {
    const counts = `${this.numFree} pages are free, ${this.numCached} cached, ${this.numOwned} owned of ${this.numPages}`;
    return new Error(`Page accounting is broken: ${what}; ${counts}.`);
  }
}
