import type { GroupInspection, PageId, PageRecord, Seal } from '@tessera/domain';
import { differ, type PageDifference } from './page-difference.js';

/** Where the seals of a group's ranks differ from what the scheduler holds, and from one another. */
export function compareSeals(group: GroupInspection): PageDifference[] {
  const records = new Map(group.pages.map((record) => [record.pageId, record]));
  return [
    ...group.seals.flatMap(({ rank, seals }) => [
      ...seals.flatMap((seal) => compareSeal(group, rank, seal, records.get(seal.pageId)) ?? []),
      ...findUnsealed(group, rank, seals),
    ]),
    ...compareRanks(group),
  ];
}

function compareSeal(
  { groupId, numPages }: GroupInspection,
  rank: number,
  { pageId, blockHash, generation }: Seal,
  record: PageRecord | undefined,
): PageDifference | undefined {
  const place = { groupId, pageId, rank };
  const says = `Rank ${rank} sealed page ${pageId}, generation ${generation}, with ${blockHash}`;
  if (pageId >= numPages) return differ('sealed_page_unknown', place, `${says}; the pool has ${numPages} pages.`);
  if (!record) return differ('seal_on_free_page', place, `${says}; the scheduler calls it free.`);
  const held = `${says}; the scheduler has it ${record.state} in generation ${record.generation}`;
  if (!record.blockHash) return differ('seal_without_hash', place, `${held}, without a hash.`);
  if (generation !== record.generation) return differ('seal_of_other_generation', place, `${held}.`);
  if (blockHash !== record.blockHash) return differ('seal_contradicts', place, `${held}, with ${record.blockHash}.`);
  return undefined;
}

function findUnsealed({ groupId, pages }: GroupInspection, rank: number, seals: readonly Seal[]): PageDifference[] {
  const sealed = new Set(seals.map(({ pageId }) => pageId));
  return pages
    .filter(({ pageId, blockHash }) => blockHash && !sealed.has(pageId))
    .map(({ pageId, blockHash }) =>
      differ('unsealed', { groupId, pageId, rank }, `Rank ${rank} has not sealed page ${pageId} with ${blockHash}.`),
    );
}

/** A page's content in one generation is the same on all ranks. */
function compareRanks({ groupId, seals: ranks }: GroupInspection): PageDifference[] {
  const differences: PageDifference[] = [];
  const first = new Map<string, { readonly rank: number; readonly seal: Seal }>();
  for (const { rank, seals } of ranks) {
    for (const seal of seals) {
      const content = contentOf(seal.pageId, seal.generation);
      const other = first.get(content) ?? { rank, seal };
      first.set(content, other);
      if (other.seal.blockHash === seal.blockHash) continue;
      const says = `Rank ${other.rank} sealed ${content} with ${other.seal.blockHash}, rank ${rank} with ${seal.blockHash}.`;
      differences.push(differ('ranks_contradict', { groupId, pageId: seal.pageId, rank }, says));
    }
  }
  return differences;
}

function contentOf(pageId: PageId, generation: number): string {
  return `page ${pageId}, generation ${generation},`;
}
