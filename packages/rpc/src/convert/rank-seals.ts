import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RankSeals } from '@tessera/domain';
import type * as wire from '@tessera/proto/scheduler/v1';
import { sealsFromProto, sealToProto } from '../decoder/seal.js';

export function rankSealsToProto({ rank, seals }: RankSeals): MessageInitShape<typeof wire.RankSealsSchema> {
  return { rank, seals: seals.map(sealToProto) };
}

/** Throws `invalid_field` with a path below `field`. */
export function rankSealsFromProto({ rank, seals }: wire.RankSeals, field: string): RankSeals {
  return { rank, seals: sealsFromProto(seals, `${field}.seals`) };
}
