import type { MessageInitShape } from '@bufbuild/protobuf';
import { type CellInspection, type GroupInspection, type PageRecord, pageId, sequenceId } from '@tessera/domain';
import * as wire from '@tessera/proto/scheduler/v1';
import { bytesOfHash, hashOf } from './block-hashes.js';
import { createEnumWords } from './enum-words.js';
import { rankSealsFromProto, rankSealsToProto } from './rank-seals.js';
import { safeIntegerOf } from './safe-integer.js';

const pageStates = createEnumWords({ owned: wire.PageState.OWNED, cached: wire.PageState.CACHED });

export function cellInspectionToProto(cell: CellInspection): MessageInitShape<typeof wire.InspectResponseSchema> {
  const { epoch, numWaiting, numRunning, groups } = cell;
  return { epoch: BigInt(epoch), numWaiting, numRunning, groups: groups.map(groupToProto) };
}

/** Throws `invalid_field`, naming the path. */
export function cellInspectionFromProto(cell: wire.InspectResponse): CellInspection {
  return {
    epoch: safeIntegerOf(cell.epoch, 'epoch'),
    numWaiting: cell.numWaiting,
    numRunning: cell.numRunning,
    groups: cell.groups.map((group, index) => groupFromProto(group, `groups[${index}]`)),
  };
}

function groupToProto(group: GroupInspection): MessageInitShape<typeof wire.GroupStateSchema> {
  const { groupId, numPages, pages, seals } = group;
  return { groupId, numPages, pages: pages.map(pageToProto), seals: seals.map(rankSealsToProto) };
}

function groupFromProto(group: wire.GroupState, field: string): GroupInspection {
  return {
    groupId: group.groupId,
    numPages: group.numPages,
    pages: group.pages.map((page, index) => pageFromProto(page, `${field}.pages[${index}]`)),
    seals: group.seals.map((rank, index) => rankSealsFromProto(rank, `${field}.seals[${index}]`)),
  };
}

function pageToProto(page: PageRecord): MessageInitShape<typeof wire.PageSchema> {
  return {
    pageId: page.pageId,
    state: pageStates.numberOf(page.state),
    blockHash: page.blockHash && bytesOfHash(page.blockHash),
    sequenceIds: [...page.sequenceIds],
    generation: BigInt(page.generation),
  };
}

function pageFromProto(page: wire.Page, field: string): PageRecord {
  return {
    pageId: pageId(page.pageId),
    state: pageStates.wordOf(page.state, `${field}.state`),
    blockHash: page.blockHash.length === 0 ? undefined : hashOf(page.blockHash, `${field}.block_hash`),
    sequenceIds: page.sequenceIds.map(sequenceId),
    generation: safeIntegerOf(page.generation, `${field}.generation`),
  };
}
