import type { MessageInitShape } from '@bufbuild/protobuf';
import type * as wire from '@tessera/proto/decoder/v1';
import { present } from '../convert/invalid-field.js';
import { safeIntegerOf } from '../convert/safe-integer.js';
import { descriptionFromProto, descriptionToProto } from './description.js';
import type { RankStatus } from './rank-host.js';
import { sealsFromProto, sealToProto } from './seal.js';

export function rankStatusToProto(status: RankStatus): MessageInitShape<typeof wire.DescribeResponseSchema> {
  return {
    ...status,
    epoch: BigInt(status.epoch),
    description: descriptionToProto(status.description),
    seals: status.seals.map(sealToProto),
  };
}

/** Throws `invalid_field`, naming the path. */
export function rankStatusFromProto(status: wire.DescribeResponse): RankStatus {
  const { isReady, leaderId, groupId, rank } = status;
  return {
    isReady,
    epoch: safeIntegerOf(status.epoch, 'epoch'),
    leaderId: leaderId === '' ? undefined : leaderId,
    description: descriptionFromProto(present(status.description, 'description'), 'description'),
    seals: sealsFromProto(status.seals, 'seals'),
    groupId,
    rank,
  };
}
