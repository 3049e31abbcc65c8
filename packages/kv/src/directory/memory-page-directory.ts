import type { PageId, PageRecord } from '@tessera/domain';
import { type DirectoryGroup, epochRefused, type PageBatch, type PageDirectory } from './page-directory.js';

interface StoredGroup {
  epoch: number;
  batchId: number;
  stepId: number | undefined;
  readonly pages: Map<PageId, PageRecord>;
}

/** The page directory of a cell that lives in one process. */
export class MemoryPageDirectory implements PageDirectory {
  readonly #groups = new Map<string, StoredGroup>();
  #openEpoch = 0;

  async epoch(): Promise<number> {
    return this.#openEpoch;
  }

  async open(epoch: number): Promise<void> {
    this.#refuseOlder(epoch);
    this.#openEpoch = epoch;
  }

  async write({
    epoch,
    batchId,
    groupId,
    stepId,
    isWhole,
    deltas,
  }: PageBatch): Promise<'written' | 'repeated' | 'lost'> {
    this.#refuseOlder(epoch);
    if (epoch > this.#openEpoch) return 'lost';
    const known = this.#groups.get(groupId);
    if (known?.epoch === epoch && batchId <= known.batchId) return 'repeated';
    if (known?.epoch !== epoch && !isWhole) return 'lost';
    const pages = isWhole || !known ? new Map<PageId, PageRecord>() : known.pages;
    for (const delta of deltas) {
      if (delta.state === 'free') pages.delete(delta.pageId);
      else pages.set(delta.pageId, delta);
    }
    this.#groups.set(groupId, { epoch, batchId, stepId, pages });
    return 'written';
  }

  async read(groupId: string): Promise<DirectoryGroup | undefined> {
    const group = this.#groups.get(groupId);
    if (!group) return undefined;
    const pages = [...group.pages.values()].sort((a, b) => a.pageId - b.pageId);
    return { groupId, epoch: group.epoch, stepId: group.stepId, pages };
  }

  async groups(): Promise<string[]> {
    return [...this.#groups.keys()].sort();
  }

  async clear(epoch: number, groupId: string): Promise<void> {
    this.#refuseOlder(epoch);
    this.#groups.delete(groupId);
  }

  onReturn(): () => void {
    return () => {};
  }

  async close(): Promise<void> {}

  #refuseOlder(epoch: number): void {
    if (epoch < this.#openEpoch) throw epochRefused(epoch, this.#openEpoch);
  }
}
