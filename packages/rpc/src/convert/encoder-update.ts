import type { MessageInitShape } from '@bufbuild/protobuf';
import { type EncoderUpdate, embeddingKey, type VisionEncoderDescription } from '@tessera/domain';
import type * as wire from '@tessera/proto/encoder/v1';
import { safeIntegerOf } from './safe-integer.js';

/** The first update of a stream carries the encoder's description, later ones do not. */
export function encoderUpdateToProto(
  update: EncoderUpdate,
  description: VisionEncoderDescription | undefined,
): MessageInitShape<typeof wire.AttachResponseSchema> {
  return {
    ready: [...update.ready],
    evicted: [...update.evicted],
    failed: update.failed.map(({ ticket, embeddingKey: key }) => ({ ticket, embeddingKey: key })),
    numPendingPatches: BigInt(update.numPendingPatches),
    ...(description && {
      modelRevision: description.modelRevision,
      hiddenSize: description.hiddenSize,
      cacheBytes: BigInt(description.cacheBytes),
    }),
  };
}

export function encoderUpdateFromProto(update: wire.AttachResponse): EncoderUpdate {
  return {
    ready: update.ready.map(embeddingKey),
    evicted: update.evicted.map(embeddingKey),
    failed: update.failed.map(({ ticket, embeddingKey: key }) => ({ ticket, embeddingKey: embeddingKey(key) })),
    numPendingPatches: safeIntegerOf(update.numPendingPatches, 'num_pending_patches'),
  };
}

/** What the first update says of its encoder. */
export function encoderDescriptionFromProto(first: wire.AttachResponse): VisionEncoderDescription {
  return {
    modelRevision: first.modelRevision,
    hiddenSize: first.hiddenSize,
    cacheBytes: safeIntegerOf(first.cacheBytes, 'cache_bytes'),
  };
}
