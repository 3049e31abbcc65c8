import type { CellInspection } from '@tessera/domain';
import type { DirectoryGroup } from '../directory/page-directory.js';
import { checkRecords } from './check-records.js';
import { compareDirectory } from './compare-directory.js';
import { compareSeals } from './compare-seals.js';
import type { PageDifference } from './page-difference.js';

export interface AuditedBooks {
  /** The scheduler's records and the ranks' seals. */
  readonly inspection: CellInspection;
  /** Undefined when the directory cannot be reached: then it is compared with nothing. */
  readonly directory: readonly DirectoryGroup[] | undefined;
}

/**
 * Names every difference between the scheduler, the seals of each rank and the directory. The scheduler is the measure
 * of the others. A cell at rest is sound when all that is left is `harmless`; while steps run, when nothing is `wrong`.
 */
export function auditPages({ inspection, directory }: AuditedBooks): PageDifference[] {
  return [
    ...inspection.groups.flatMap((group) => [...checkRecords(group), ...compareSeals(group)]),
    ...(directory ? compareDirectory(inspection, directory) : []),
  ];
}
