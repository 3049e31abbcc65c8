import type { PageId } from '@tessera/domain';

/**
 * How bad a difference is. Books are read one after the other, so that while steps run only what contradicts within one
 * generation of a page, or within one book, is certainly `wrong`. `lag` is right while something is under way and wrong
 * when the cell is at rest. `harmless` may stay.
 */
export type Severity = 'wrong' | 'lag' | 'harmless';

/** Every difference there can be between those who keep books on pages. */
export const differenceKinds = {
  // The scheduler's records among themselves
  page_unknown: 'wrong',
  page_twice: 'wrong',
  hash_twice: 'wrong',
  cached_without_hash: 'wrong',
  cached_with_holders: 'wrong',
  /** Its release waits for the result of a step. */
  owned_without_holders: 'lag',
  // A rank's seals against the scheduler's records
  sealed_page_unknown: 'wrong',
  seal_contradicts: 'wrong',
  seal_of_other_generation: 'lag',
  /** Its hash waits for the result of a step; or the page's first write, which drops the seal, is still to come. */
  seal_without_hash: 'lag',
  /** What was in the page still is, and a new leader may take it as cached. */
  seal_on_free_page: 'harmless',
  /** Seals travel with the next plan, and a new leader takes the page as free when there was none. */
  unsealed: 'harmless',
  // The seals of two ranks against one another
  ranks_contradict: 'wrong',
  // The directory against the scheduler's records
  /** The leader was granted a higher epoch after its records were read; at rest, another leader was. */
  directory_of_newer_epoch: 'lag',
  directory_of_older_epoch: 'lag',
  directory_lacks_group: 'lag',
  /** The leader is in the middle of a description. */
  directory_incomplete: 'lag',
  directory_contradicts: 'wrong',
  directory_differs: 'lag',
  /** Of an earlier leader, or of a group that is no more; nobody reads it. */
  directory_has_other_group: 'harmless',
} as const satisfies Record<string, Severity>;

export type DifferenceKind = keyof typeof differenceKinds;

export interface PageDifference {
  readonly kind: DifferenceKind;
  readonly severity: Severity;
  readonly groupId: string;
  readonly pageId: PageId | undefined;
  /** The rank whose seal it is about. */
  readonly rank: number | undefined;
  /** Who says what. */
  readonly sentence: string;
}

/** Where a difference is. */
export interface DifferencePlace {
  readonly groupId: string;
  readonly pageId?: PageId;
  readonly rank?: number;
}

export function differ(kind: DifferenceKind, place: DifferencePlace, sentence: string): PageDifference {
  const { groupId, pageId, rank } = place;
  return { kind, severity: differenceKinds[kind], groupId, pageId, rank, sentence };
}
