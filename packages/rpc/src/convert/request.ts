import type { MessageInitShape } from '@bufbuild/protobuf';
import { type PrefixHashes, type Request, requestId } from '@tessera/domain';
import * as wire from '@tessera/proto/common/v1';
import { bytesOfHash, bytesOfHashes, hashesOf, hashOf } from './block-hashes.js';
import { createEnumWords } from './enum-words.js';
import { present } from './invalid-field.js';
import { mropePositionsFromProto, mropePositionsToProto } from './mrope-positions.js';
import { bytesOf, int32Of } from './number-bytes.js';
import { safeIntegerOf } from './safe-integer.js';
import { samplingParamsFromProto, samplingParamsToProto } from './sampling-params.js';
import { segmentFromProto, segmentToProto } from './segment.js';

const classes = createEnumWords({
  interactive: wire.RequestClass.INTERACTIVE,
  batch: wire.RequestClass.BATCH,
});

export function requestToProto(request: Request): MessageInitShape<typeof wire.RequestSchema> {
  return {
    ...request,
    class: classes.numberOf(request.class),
    tokenIds: bytesOf(request.tokenIds),
    resumeTokens: [...request.resumeTokens],
    segments: request.segments.map(segmentToProto),
    positions: mropePositionsToProto(request.positions),
    sampling: samplingParamsToProto(request.sampling),
    stopTokenIds: [...request.stopTokenIds],
    prefix: request.prefix && prefixToProto(request.prefix),
    numMediaBytes: BigInt(request.numMediaBytes),
  };
}

/** Throws `invalid_field`, naming the path, for a message that is no request. */
export function requestFromProto(request: wire.Request): Request {
  const tokenIds = int32Of(request.tokenIds, 'token_ids');
  return {
    requestId: requestId(request.requestId),
    attempt: request.attempt,
    modelRevision: request.modelRevision,
    tenant: request.tenant,
    class: classes.wordOf(request.class, 'class'),
    priority: request.priority,
    tokenIds,
    resumeTokens: request.resumeTokens,
    segments: request.segments.map((segment, index) => segmentFromProto(segment, `segments[${index}]`)),
    positions: mropePositionsFromProto(present(request.positions, 'positions'), tokenIds.length, 'positions'),
    sampling: samplingParamsFromProto(present(request.sampling, 'sampling'), 'sampling'),
    maxTokens: request.maxTokens,
    stopTokenIds: request.stopTokenIds,
    deadlineMs: request.deadlineMs,
    prefix: request.prefix && prefixFromProto(request.prefix),
    numMediaBytes: safeIntegerOf(request.numMediaBytes, 'num_media_bytes'),
  };
}

function prefixToProto({ pageLen, root, blocks }: PrefixHashes): MessageInitShape<typeof wire.PrefixHashesSchema> {
  return { pageLen, root: bytesOfHash(root), blocks: bytesOfHashes(blocks) };
}

function prefixFromProto({ pageLen, root, blocks }: wire.PrefixHashes): PrefixHashes {
  return { pageLen, root: hashOf(root, 'prefix.root'), blocks: hashesOf(blocks, 'prefix.blocks') };
}
