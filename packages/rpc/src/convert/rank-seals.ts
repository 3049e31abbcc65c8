import type { MessageInitShape } from '@bufbuild/protobuf';
import { pageId, type RankSeals, type Seal } from '@tessera/domain';
import type * as wire from '@tessera/proto/scheduler/v1';
import { bytesOfHash, hashOf } from './block-hashes.js';
import { safeIntegerOf } from './safe-integer.js';

type SealedPage = MessageInitShape<typeof wire.SealedPageSchema>;

/**
 * What each rank says, by what is said: one entry for all ranks that sealed a page alike. Ranks that sealed nothing are
 * named by one entry without a hash, for an audit must know that they were asked.
 */
export function rankSealsToProto(ranks: readonly RankSeals[]): SealedPage[] {
  const sealed = new Map<string, { seal: Seal; ranks: number[] }>();
  const withoutSeals: number[] = [];
  for (const { rank, seals } of ranks) {
    if (seals.length === 0) withoutSeals.push(rank);
    for (const seal of seals) {
      const key = `${seal.pageId} ${seal.generation} ${seal.blockHash}`;
      const same = sealed.get(key);
      if (same) same.ranks.push(rank);
      else sealed.set(key, { seal, ranks: [rank] });
    }
  }
  const entries: SealedPage[] = [...sealed.values()].map(sealedPageToProto);
  return withoutSeals.length === 0 ? entries : [{ ranks: withoutSeals }, ...entries];
}

/** Ranks ascending, the seals of each by page. */
export function rankSealsFromProto(pages: readonly wire.SealedPage[], field: string): RankSeals[] {
  const sealsOf = new Map<number, Seal[]>();
  for (const [index, page] of pages.entries()) {
    const seal = page.blockHash.length === 0 ? [] : [sealFromProto(page, `${field}[${index}]`)];
    for (const rank of page.ranks) listOf(sealsOf, rank).push(...seal);
  }
  return [...sealsOf]
    .sort(([a], [b]) => a - b)
    .map(([rank, seals]) => ({ rank, seals: seals.sort((a, b) => a.pageId - b.pageId) }));
}

function sealedPageToProto({ seal, ranks }: { seal: Seal; ranks: number[] }): SealedPage {
  return {
    pageId: seal.pageId,
    blockHash: bytesOfHash(seal.blockHash),
    generation: BigInt(seal.generation),
    ranks,
  };
}

function sealFromProto(page: wire.SealedPage, field: string): Seal {
  return {
    pageId: pageId(page.pageId),
    blockHash: hashOf(page.blockHash, `${field}.block_hash`),
    generation: safeIntegerOf(page.generation, `${field}.generation`),
  };
}

function listOf(lists: Map<number, Seal[]>, rank: number): Seal[] {
  const list = lists.get(rank) ?? [];
  lists.set(rank, list);
  return list;
}
