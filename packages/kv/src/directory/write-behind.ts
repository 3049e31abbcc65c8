import { type PageId, type PageRecord, ServingError } from '@tessera/domain';
import type { PageBatch, PageDelta, PageDirectory } from './page-directory.js';

/**
 * - `rebuilding`: opens the directory and describes every group anew; so it begins.
 * - `writing`: all but what waits for the next write is written.
 * - `behind`: the last attempt failed; what the directory says is old until the next one.
 * - `refused`: a newer epoch is open; it writes nothing any more.
 */
export type WriteBehindState = 'rebuilding' | 'writing' | 'behind' | 'refused';

/** All pages of a group that are not free. */
export interface GroupSnapshot {
  readonly stepId: number;
  readonly pages: readonly PageRecord[];
}

export interface WriteBehindOptions {
  /** What it begins with; see `raiseEpoch`. */
  readonly epoch: number;
  /** What is true of a group now; undefined when it is no more. Asked for when the group has to be described anew. */
  readonly snapshot: (groupId: string) => GroupSnapshot | undefined;
  /** Pages of one write at most; 1024 by default. */
  readonly maxBatchPages?: number;
  /** Time between two attempts while the directory cannot be reached; 1000 by default. */
  readonly retryMs?: number;
  /** Called at every change of state, with what went wrong if it did; once, however many attempts fail. */
  readonly onState?: (state: WriteBehindState, cause: Error | undefined) => void;
}

/** Keeps a directory up to date without anybody waiting for it. */
export interface WriteBehind {
  readonly state: WriteBehindState;
  /**
   * Takes what a step changed. A group's first push describes it whole, so that one without deltas announces a group.
   * Of a page that changes again before it is written, only the newest state is kept.
   */
  push(groupId: string, stepId: number, deltas: readonly PageDelta[]): void;
  /** Has a group dropped that is no more. */
  clear(groupId: string): void;
  /** Goes on in a higher epoch, also when it was refused in the one before: every group is described anew. */
  raiseEpoch(epoch: number): void;
  /** Resolves when all that was pushed is written, or when it never will be. */
  settled(): Promise<void>;
  /** Stops after the write that is on its way. The directory stays open. */
  close(): Promise<void>;
}

export function createWriteBehind(directory: PageDirectory, options: WriteBehindOptions): WriteBehind {
  return new DirectoryWriter(directory, options);
}

interface PendingGroup {
  readonly stepId: number;
  /** To be taken from a snapshot when its turn comes. */
  readonly isWhole: boolean;
  readonly deltas: Map<PageId, PageDelta>;
}

class DirectoryWriter implements WriteBehind {
  readonly #directory: PageDirectory;
  readonly #options: Required<WriteBehindOptions>;
  readonly #groups = new Set<string>();
  /** In the order of their turns. */
  readonly #pending = new Map<string, PendingGroup>();
  readonly #cleared = new Set<string>();
  readonly #stopListening: () => void;
  #epoch: number;
  #state: WriteBehindState = 'rebuilding';
  #isOpen = false;
  #isClosed = false;
  #numBatches = 0;
  #running: Promise<void> | undefined;
  #endPause: () => void = () => {};

  constructor(directory: PageDirectory, options: WriteBehindOptions) {
    this.#directory = directory;
    this.#epoch = options.epoch;
    this.#options = { maxBatchPages: 1024, retryMs: 1000, onState: () => {}, ...options };
    this.#stopListening = directory.onReturn(() => this.#beginAgain());
    this.#start();
  }

  get state(): WriteBehindState {
    return this.#state;
  }

  push(groupId: string, stepId: number, deltas: readonly PageDelta[]): void {
    const known = this.#pending.get(groupId);
    const isWhole = known?.isWhole ?? !this.#groups.has(groupId);
    this.#groups.add(groupId);
    if (this.#isOver) return;
    const newest = known?.deltas ?? new Map<PageId, PageDelta>();
    if (!isWhole) for (const delta of deltas) newest.set(delta.pageId, delta);
    this.#pending.set(groupId, { stepId, isWhole, deltas: newest });
    this.#start();
  }

  clear(groupId: string): void {
    this.#groups.delete(groupId);
    this.#pending.delete(groupId);
    this.#cleared.add(groupId);
    this.#start();
  }

  raiseEpoch(epoch: number): void {
    if (epoch <= this.#epoch) throw new Error(`epoch ${epoch} does not follow epoch ${this.#epoch}`);
    this.#epoch = epoch;
    if (this.#state === 'refused') this.#enter('rebuilding');
    this.#beginAgain();
  }

  async settled(): Promise<void> {
    await this.#running;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopListening();
    this.#endPause();
    await this.#running;
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#state === 'refused';
  }

  get #hasWork(): boolean {
    return !this.#isOver && (!this.#isOpen || this.#cleared.size > 0 || this.#pending.size > 0);
  }

  #start(): void {
    if (!this.#running && this.#hasWork) this.#running = this.#run();
  }

  /** One write at a time, until nothing is left to be written. */
  async #run(): Promise<void> {
    try {
      while (this.#hasWork) await this.#attempt(this.#epoch);
    } finally {
      this.#running = undefined;
    }
  }

  async #attempt(epoch: number): Promise<void> {
    try {
      await this.#writeNext(epoch);
      if (!this.#hasWork && !this.#isOver) this.#enter('writing');
    } catch (error) {
      await this.#fail(error as Error, epoch);
    }
  }

  async #writeNext(epoch: number): Promise<void> {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#describeAllAnew();
      await this.#directory.open(epoch);
      this.#enter('rebuilding');
      return;
    }
    for (const groupId of this.#cleared) {
      await this.#directory.clear(epoch, groupId);
      this.#cleared.delete(groupId);
    }
    const batch = this.#takeBatch(epoch);
    if (batch && (await this.#directory.write(batch)) === 'lost') this.#beginAgain();
  }

  /** The next group's turn: its newest states, as many as one write may have. */
  #takeBatch(epoch: number): PageBatch | undefined {
    const { maxBatchPages } = this.#options;
    const next = this.#pending.entries().next();
    if (next.done) return undefined;
    const [groupId, pending] = next.value;
    this.#pending.delete(groupId);
    const group = pending.isWhole ? this.#takeSnapshot(groupId) : pending;
    if (!group) return undefined;
    const batchId = ++this.#numBatches;
    const deltas: PageDelta[] = [];
    for (const [page, delta] of group.deltas) {
      if (deltas.length === maxBatchPages) break;
      deltas.push(delta);
      group.deltas.delete(page);
    }
    const isLast = group.deltas.size === 0;
    if (!isLast) this.#pending.set(groupId, group);
    return { epoch, batchId, groupId, stepId: isLast ? group.stepId : undefined, isWhole: pending.isWhole, deltas };
  }

  #takeSnapshot(groupId: string): PendingGroup | undefined {
    const snapshot = this.#options.snapshot(groupId);
    if (!snapshot) {
      this.#groups.delete(groupId);
      return undefined;
    }
    const deltas = new Map(snapshot.pages.map((page): [PageId, PageDelta] => [page.pageId, page]));
    return { stepId: snapshot.stepId, isWhole: false, deltas };
  }

  #beginAgain(): void {
    this.#isOpen = false;
    if (this.#state === 'writing') this.#enter('rebuilding');
    this.#endPause();
    this.#start();
  }

  #describeAllAnew(): void {
    for (const groupId of this.#groups) this.#pending.set(groupId, { stepId: 0, isWhole: true, deltas: new Map() });
  }

  async #fail(error: Error, epoch: number): Promise<void> {
    if (error instanceof ServingError && error.reason === 'epoch_refused' && epoch === this.#epoch) {
      this.#pending.clear();
      this.#cleared.clear();
      this.#enter('refused', error);
      return;
    }
    this.#isOpen = false;
    this.#enter('behind', error);
    if (!this.#isClosed) await this.#pause();
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#options.retryMs);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #enter(state: WriteBehindState, cause?: Error): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState(state, cause);
  }
}
