import type { BlockHash, GroupInspection, PageId, PageRecord } from '@tessera/domain';
import { differ, type PageDifference } from './page-difference.js';

/** Where the scheduler's records of a group contradict one another. */
export function checkRecords({ groupId, numPages, pages }: GroupInspection): PageDifference[] {
  const differences: PageDifference[] = [];
  const seen = new Set<PageId>();
  const byHash = new Map<BlockHash, PageId>();
  for (const record of pages) {
    const { pageId, blockHash } = record;
    const report = (kind: PageDifference['kind'], sentence: string): void => {
      differences.push(differ(kind, { groupId, pageId }, sentence));
    };
    if (pageId >= numPages) report('page_unknown', `The scheduler has page ${pageId} of a pool of ${numPages}.`);
    if (seen.has(pageId)) report('page_twice', `The scheduler has page ${pageId} twice.`);
    seen.add(pageId);
    const older = blockHash && byHash.get(blockHash);
    if (older !== undefined) report('hash_twice', `The scheduler has ${blockHash} in pages ${older} and ${pageId}.`);
    if (blockHash) byHash.set(blockHash, pageId);
    checkHolders(record, report);
  }
  return differences;
}

function checkHolders(
  { pageId, state, blockHash, sequenceIds }: PageRecord,
  report: (kind: PageDifference['kind'], sentence: string) => void,
): void {
  if (state === 'owned') {
    if (sequenceIds.length === 0) report('owned_without_holders', `Page ${pageId} is owned, and by no sequence.`);
    return;
  }
  if (!blockHash) report('cached_without_hash', `Page ${pageId} is cached without a hash.`);
  if (sequenceIds.length > 0) report('cached_with_holders', `Page ${pageId} is cached and held by ${sequenceIds}.`);
}
