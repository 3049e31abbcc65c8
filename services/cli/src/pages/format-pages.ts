import type { PageRecord } from '@tessera/domain';
import { alignColumns } from '../inspect/align-columns.js';
import type { BookedGroup, PageBook } from './page-book.js';

/** Digits of a hash that are shown; nobody tells pages apart by more. */
const shownHashLen = 12;

/** A heading and a table for each group. */
export function formatPages({ source, groups, numRunning, numWaiting }: PageBook): string {
  const requests = numRunning === undefined ? '' : `: ${numRunning} requests run, ${numWaiting} wait`;
  const nothing = groups.length === 0 ? ['no groups'] : [];
  return [`${source}${requests}`, ...nothing, ...groups.map(formatGroup)].join('\n\n');
}

function formatGroup(group: BookedGroup): string {
  const { groupId, epoch, stepId, pages } = group;
  const step = stepId === undefined ? '' : `, step ${stepId}`;
  const heading = `group ${groupId}, epoch ${epoch}${step}: ${describeCounts(group)}`;
  if (pages.length === 0) return heading;
  const header = ['page', 'state', 'generation', 'hash', 'held by'];
  return [heading, ...alignColumns([header, ...pages.map(toRow)], ['right', 'left', 'right', 'left', 'left'])].join(
    '\n',
  );
}

function describeCounts({ numPages, pages }: BookedGroup): string {
  const numOwned = pages.filter(({ state }) => state === 'owned').length;
  const counts = [`${numOwned} owned`, `${pages.length - numOwned} cached`];
  if (numPages !== undefined) counts.push(`${numPages - pages.length} free of ${numPages}`);
  return counts.join(', ');
}

function toRow({ pageId, state, generation, blockHash, sequenceIds }: PageRecord): string[] {
  const hash = blockHash?.slice(0, shownHashLen) ?? '–';
  return [String(pageId), state, String(generation), hash, sequenceIds.join(', ')];
}
