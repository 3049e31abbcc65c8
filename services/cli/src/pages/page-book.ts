import { type CellInspection, type PageRecord, ServingError } from '@tessera/domain';
import type { DirectoryGroup } from '@tessera/kv';

/** The pages of a cell by one who keeps books on them. */
export interface PageBook {
  readonly source: 'scheduler' | 'directory';
  readonly groups: readonly BookedGroup[];
  /** Only the scheduler knows its requests. */
  readonly numRunning?: number;
  readonly numWaiting?: number;
}

export interface BookedGroup {
  readonly groupId: string;
  /** Of the leader whose book it is. */
  readonly epoch: number;
  /** Of the pool; the directory does not know it. */
  readonly numPages?: number;
  /** The step that a directory is as of; absent while it is being described. */
  readonly stepId?: number;
  /** All that are not free. */
  readonly pages: readonly PageRecord[];
}

export function bookOfScheduler({ epoch, groups, numRunning, numWaiting }: CellInspection): PageBook {
  const booked = groups.map(({ groupId, numPages, pages }) => ({ groupId, epoch, numPages, pages }));
  return { source: 'scheduler', numRunning, numWaiting, groups: booked };
}

export function bookOfDirectory(groups: readonly DirectoryGroup[]): PageBook {
  return { source: 'directory', groups };
}

/** The book of one group; ServingError `invalid_option` when there is none of that name. */
export function bookOfGroup(book: PageBook, groupId: string): PageBook {
  const groups = book.groups.filter((group) => group.groupId === groupId);
  if (groups.length > 0) return { ...book, groups };
  const known = book.groups.map((group) => group.groupId).join(', ') || 'none';
  throw new ServingError('invalid_option', `--group: there is no group ${groupId}; there are: ${known}.`);
}
