import {
  type DecoderDescription,
  type LaneId,
  laneId,
  type PageId,
  type PageRecord,
  pagesFor,
  type Seal,
  type SequenceId,
} from '@tessera/domain';
import { type AccountedPage, PageAccounting, type PageDelta } from '@tessera/kv';
import type { Residence, Sequence } from '../sequence.js';

/** How many of a sequence's tokens may be computed: those before the first one whose embedding is not staged. */
export type ComputableLen = (sequence: Sequence) => number;

/**
 * Lanes and pages of one rank group and who holds them. No I/O and no clock: the plan of a step changes it, and so does
 * the result. Pages given back may be given out by the very plan that is being made, while the step before still writes
 * to them: ranks run steps in order.
 */
export class GroupState {
  readonly groupId: string;
  readonly description: DecoderDescription;
  readonly pages: PageAccounting;
  /** In order of admission. */
  readonly running = new Set<Sequence>();
  /** Lanes to release with the next plan. */
  releasedLanes: LaneId[] = [];
  /** Seals to send with the next plan. */
  seals: Seal[] = [];
  numSteps = 0;
  /** Turns that sequences had, in whatever steps. */
  numTurns = 0;
  readonly #freeLanes: LaneId[];
  readonly #owners = new Map<PageId, Set<SequenceId>>();

  constructor(groupId: string, description: DecoderDescription) {
    const { numLanes, kvLayout } = description;
    this.groupId = groupId;
    this.description = description;
    this.pages = new PageAccounting({ numPages: kvLayout.numPages });
    this.#freeLanes = Array.from({ length: numLanes }, (_, i) => laneId(numLanes - 1 - i));
  }

  get pageLen(): number {
    return this.description.kvLayout.pageLen;
  }

  get numFreeLanes(): number {
    return this.#freeLanes.length;
  }

  /** Pages that the known tokens of running sequences are still to take. */
  get numCommittedPages(): number {
    let sum = 0;
    for (const { residence, numKnownTokens } of this.running) {
      sum += Math.max(0, pagesFor(numKnownTokens, this.pageLen) - (residence?.pages.length ?? 0));
    }
    return sum;
  }

  /** Whether the context is long enough for a sequence, however long it becomes. */
  canHold({ maxLen }: Sequence): boolean {
    return maxLen <= this.description.maxContextLen;
  }

  /** Whole pages at its beginning that are in the cache; at least its last token is always computed. */
  findCached({ blockHashes, numKnownTokens }: Sequence): PageId[] {
    const maxPages = Math.floor((numKnownTokens - 1) / this.pageLen);
    return this.pages.lookup(blockHashes.slice(0, maxPages));
  }

  /** Whether all known tokens of a newcomer find room beside what running sequences are still to take. */
  hasRoomFor({ numKnownTokens }: Sequence, cachedPages: readonly PageId[]): boolean {
    const numShared = cachedPages.filter((page) => this.#owners.has(page)).length;
    return this.pages.canAllocate(pagesFor(numKnownTokens, this.pageLen) - numShared + this.numCommittedPages);
  }

  /** Gives a lane and the cached pages to a sequence; there must be a free lane. */
  admit(sequence: Sequence, cachedPages: readonly PageId[]): Residence {
    const lane = this.#freeLanes.pop();
    if (lane === undefined) throw new Error(`no lane of ${this.description.numLanes} is free for ${sequence.id}`);
    this.pages.acquirePages(cachedPages);
    this.#own(sequence, cachedPages);
    const residence = {
      groupId: this.groupId,
      lane,
      pages: [...cachedPages],
      numCachedPages: cachedPages.length,
      numPublished: cachedPages.length,
      isAdmitted: false,
    };
    sequence.start(residence, this.pageLen);
    sequence.lastTurn = this.numTurns++;
    this.running.add(sequence);
    return residence;
  }

  /** Adds pages to a running sequence so that it holds `numTokens`; undefined when the pool has not so many. */
  extend(sequence: Sequence, numTokens: number): PageId[] | undefined {
    const { pages } = residenceOf(sequence);
    const allocated = this.pages.allocate(Math.max(0, pagesFor(numTokens, this.pageLen) - pages.length));
    if (!allocated) return undefined;
    pages.push(...allocated);
    this.#own(sequence, allocated);
    return allocated;
  }

  /** Takes everything back from a sequence; what it computed stays in the cache as far as it was published. */
  leave(sequence: Sequence): void {
    const { lane, pages, isAdmitted } = residenceOf(sequence);
    this.running.delete(sequence);
    this.#freeLanes.push(lane);
    if (isAdmitted) this.releasedLanes.push(lane);
    for (const page of pages) {
      const owners = this.#owners.get(page);
      owners?.delete(sequence.id);
      if (owners?.size === 0) this.#owners.delete(page);
    }
    // Last pages first: they go before those that others may share.
    this.pages.release([...pages].reverse());
    sequence.stop();
  }

  /** A full page of a running sequence may be found by others from now on. */
  publish(pageId: PageId, hash: Seal['blockHash']): void {
    if (this.pages.publish(pageId, hash) === 'duplicate') return;
    this.seals.push({ pageId, blockHash: hash, generation: this.pages.generationOf(pageId) });
  }

  /** Every page that is not free. */
  records(): PageRecord[] {
    return this.pages.records().map((page) => this.#withOwners(page));
  }

  /** The pages that changed since the last call, as they are now. */
  takeChanges(): PageDelta[] {
    return this.pages.takeChanged().map((pageId) => {
      const page = this.pages.record(pageId);
      return page ? this.#withOwners(page) : { pageId, state: 'free' };
    });
  }

  /** Throws with its numbers when pages or lanes are held by others than those that run. */
  checkIntegrity(): void {
    this.pages.checkIntegrity([...this.running].map((sequence) => residenceOf(sequence).pages));
    if (this.running.size > 0) return;
    const { numLanes } = this.description;
    const { numOwned } = this.pages;
    if (numOwned === 0 && this.#freeLanes.length === numLanes && this.#owners.size === 0) return;
    throw new Error(
      `group ${this.groupId} is idle with ${numOwned} owned pages and ${this.#freeLanes.length} of ${numLanes} lanes free`,
    );
  }

  #own(sequence: Sequence, pages: readonly PageId[]): void {
    for (const page of pages) {
      const owners = this.#owners.get(page) ?? new Set();
      this.#owners.set(page, owners.add(sequence.id));
    }
  }

  #withOwners(page: AccountedPage): PageRecord {
    return { ...page, sequenceIds: [...(this.#owners.get(page.pageId) ?? [])] };
  }
}

export function residenceOf({ id, residence }: Sequence): Residence {
  if (!residence) throw new Error(`sequence ${id} holds no lane`);
  return residence;
}
