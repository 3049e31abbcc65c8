import type { MessageInitShape } from '@bufbuild/protobuf';
import { pageId, type Seal } from '@tessera/domain';
import type * as wire from '@tessera/proto/decoder/v1';
import { bytesOfHash, hashOf } from '../convert/block-hashes.js';
import { safeIntegerOf } from '../convert/safe-integer.js';

export function sealToProto({ pageId: page, blockHash, generation }: Seal): MessageInitShape<typeof wire.SealSchema> {
  return { pageId: page, blockHash: bytesOfHash(blockHash), generation: BigInt(generation) };
}

/** Throws `invalid_field` with a path below `field`. */
export function sealFromProto({ pageId: page, blockHash, generation }: wire.Seal, field: string): Seal {
  return {
    pageId: pageId(page),
    blockHash: hashOf(blockHash, `${field}.block_hash`),
    generation: safeIntegerOf(generation, `${field}.generation`),
  };
}

export function sealsFromProto(seals: readonly wire.Seal[], field: string): Seal[] {
  return seals.map((seal, index) => sealFromProto(seal, `${field}[${index}]`));
}
