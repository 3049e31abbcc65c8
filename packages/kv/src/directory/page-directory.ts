import { type PageId, type PageRecord, ServingError } from '@tessera/domain';

/** A page's new state. */
export type PageDelta = PageRecord | { readonly pageId: PageId; readonly state: 'free' };

/** What one write changes in one group. */
export interface PageBatch {
  readonly epoch: number;
  /** Counts up within an epoch, over all groups: a batch that comes again, or late, changes nothing. */
  readonly batchId: number;
  readonly groupId: string;
  /** The step that the group is described as of once this batch is written; undefined when more of it follows. */
  readonly stepId: number | undefined;
  /** All that the directory says of the group is dropped first. An epoch's first batch of a group is whole. */
  readonly isWhole: boolean;
  /** At most one a page. */
  readonly deltas: readonly PageDelta[];
}

/** What the directory says of a group. */
export interface DirectoryGroup {
  readonly groupId: string;
  /** Of the leader that wrote it. */
  readonly epoch: number;
  /** Undefined while the leader is in the middle of a description. */
  readonly stepId: number | undefined;
  /** All pages that are not free, by id. */
  readonly pages: readonly PageRecord[];
}

/**
 * A journal of every page's state in one cell, for inspection and audit; never an authority: nothing is ever decided by
 * what it says of pages, and all of it can be written again.
 *
 * The leader opens it with its epoch, then writes every group whole, then what changes. Each write happens altogether
 * or not at all, and only while its epoch is the open one. Every call may reject when the directory cannot be reached;
 * the change may have happened nevertheless.
 */
export interface PageDirectory {
  /** The open epoch; 0 while there is none. */
  epoch(): Promise<number>;
  /** Lets this epoch write and every older one no more. Throws `epoch_refused` when a newer one is open. */
  open(epoch: number): Promise<void>;
  /**
   * Writes one batch. `repeated`: its number is not above the last one of the group in this epoch; nothing changes.
   * `lost`: the directory does not know the epoch, or of a batch that is not whole the group; nothing changes, and the
   * leader begins again. Throws `epoch_refused` when a newer epoch is open.
   */
  write(batch: PageBatch): Promise<'written' | 'repeated' | 'lost'>;
  /** Undefined when nothing is known of the group. */
  read(groupId: string): Promise<DirectoryGroup | undefined>;
  /** Ids of all groups that something is known of, sorted. */
  groups(): Promise<string[]>;
  /** Drops a group that is no more. Throws `epoch_refused` when an epoch newer than the one given is open. */
  clear(epoch: number, groupId: string): Promise<void>;
  /** Calls when the directory can be reached again; what it held may be gone. Returns what ends the calls. */
  onReturn(listener: () => void): () => void;
  close(): Promise<void>;
}

/** Why a leader may not write: another was granted a newer epoch since. */
export function epochRefused(epoch: number, openEpoch: number): ServingError {
  const message = `Epoch ${epoch} may not write to the page directory: epoch ${openEpoch} has opened it.`;
  return new ServingError('epoch_refused', message, { epoch, openEpoch });
}
