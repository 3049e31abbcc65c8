import type { CellInspection, GroupInspection, PageId, PageRecord } from '@tessera/domain';
import type { DirectoryGroup } from '../directory/page-directory.js';
import { differ, type PageDifference } from './page-difference.js';

/** Where the directory differs from what the scheduler holds. */
export function compareDirectory(
  { epoch, groups }: CellInspection,
  directory: readonly DirectoryGroup[],
): PageDifference[] {
  const described = new Map(directory.map((group) => [group.groupId, group]));
  const known = new Set(groups.map(({ groupId }) => groupId));
  const others = directory.filter(({ groupId }) => !known.has(groupId));
  return [
    ...groups.flatMap((group) => compareGroup(epoch, group, described.get(group.groupId))),
    ...others.map((group) => {
      const sentence = `The directory has the group ${group.groupId} of epoch ${group.epoch}; the scheduler has not.`;
      return differ('directory_has_other_group', { groupId: group.groupId }, sentence);
    }),
  ];
}

function compareGroup(
  epoch: number,
  { groupId, pages }: GroupInspection,
  described: DirectoryGroup | undefined,
): PageDifference[] {
  const place = { groupId };
  if (!described) return [differ('directory_lacks_group', place, `The directory has nothing of the group ${groupId}.`)];
  if (described.epoch !== epoch) {
    const kind = described.epoch > epoch ? 'directory_of_newer_epoch' : 'directory_of_older_epoch';
    return [differ(kind, place, `The directory is of epoch ${described.epoch}, the scheduler of ${epoch}.`)];
  }
  if (described.stepId === undefined) {
    return [differ('directory_incomplete', place, `The group ${groupId} is being described.`)];
  }
  const records = new Map(pages.map((record) => [record.pageId, record]));
  const journal = new Map(described.pages.map((record) => [record.pageId, record]));
  const pageIds = [...new Set([...records.keys(), ...journal.keys()])].sort((a, b) => a - b);
  return pageIds.flatMap((page) => comparePage(groupId, page, records.get(page), journal.get(page)) ?? []);
}

function comparePage(
  groupId: string,
  pageId: PageId,
  held: PageRecord | undefined,
  described: PageRecord | undefined,
): PageDifference | undefined {
  if (describe(held) === describe(described)) return undefined;
  const sentence = `Page ${pageId}: the scheduler has it ${describe(held)}, the directory ${describe(described)}.`;
  const isContradiction =
    held?.blockHash !== undefined &&
    described?.blockHash !== undefined &&
    held.generation === described.generation &&
    held.blockHash !== described.blockHash;
  return differ(isContradiction ? 'directory_contradicts' : 'directory_differs', { groupId, pageId }, sentence);
}

function describe(record: PageRecord | undefined): string {
  if (!record) return 'free';
  const { state, generation, blockHash, sequenceIds } = record;
  const holders = sequenceIds.length > 0 ? ` by ${[...sequenceIds].sort().join(', ')}` : '';
  return `${state}${holders} in generation ${generation}${blockHash ? ` with ${blockHash}` : ''}`;
}
