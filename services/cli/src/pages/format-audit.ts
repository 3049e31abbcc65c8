import type { CellInspection } from '@tessera/domain';
import type { PageDifference, Severity } from '@tessera/kv';
import { alignColumns } from '../inspect/align-columns.js';

const severities: readonly Severity[] = ['wrong', 'lag', 'harmless'];

/** All differences, the worst first, and a last line with the counts. */
export function formatAudit(inspection: CellInspection, differences: readonly PageDifference[]): string {
  const ordered = severities.flatMap((severity) =>
    differences.filter((difference) => difference.severity === severity),
  );
  const table = alignColumns(ordered.map(toRow), ['left', 'left', 'left', 'left']);
  const counts = severities.map((severity) => `${countOf(differences, severity)} ${severity}`);
  const numPages = inspection.groups.reduce((sum, { pages }) => sum + pages.length, 0);
  const numRanks = inspection.groups.reduce((sum, { seals }) => sum + seals.length, 0);
  const scope = `${numPages} pages, ${inspection.groups.length} groups, ${numRanks} ranks`;
  return [...table, ...(table.length > 0 ? [''] : []), `audit: ${scope}: ${counts.join(', ')}`].join('\n');
}

function toRow({ severity, kind, groupId, rank, sentence }: PageDifference): string[] {
  return [severity, kind, rank === undefined ? groupId : `${groupId}/${rank}`, sentence];
}

function countOf(differences: readonly PageDifference[], severity: Severity): number {
  return differences.filter((difference) => difference.severity === severity).length;
}
