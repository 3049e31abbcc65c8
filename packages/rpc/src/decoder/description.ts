import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DecoderDescription, KvLayout } from '@tessera/domain';
import type * as wire from '@tessera/proto/decoder/v1';
import { invalidField, present } from '../convert/invalid-field.js';

/** What a rank says of itself: its decoder, and which compiled engine it is, so that ranks of two never meet. */
export interface RankDescription extends DecoderDescription {
  /** Digest of the compiled engine: weights, options, graphs. */
  readonly engineDigest: string;
}

export function descriptionToProto(
  description: RankDescription,
): MessageInitShape<typeof wire.DecoderDescriptionSchema> {
  return { ...description, kvLayout: { ...description.kvLayout } };
}

/** Throws `invalid_field` with a path below `field`. */
export function descriptionFromProto(description: wire.DecoderDescription, field: string): RankDescription {
  return {
    modelRevision: description.modelRevision,
    engineDigest: description.engineDigest,
    numRanks: description.numRanks,
    numLanes: description.numLanes,
    maxContextLen: description.maxContextLen,
    maxStepTokens: description.maxStepTokens,
    vocabSize: description.vocabSize,
    hiddenSize: description.hiddenSize,
    kvLayout: layoutFromProto(present(description.kvLayout, `${field}.kv_layout`), `${field}.kv_layout`),
    isRowInvariant: description.isRowInvariant,
  };
}

function layoutFromProto({ dtype, pageLen, numPages, layersPerMemory }: wire.KvLayout, field: string): KvLayout {
  if (dtype !== 'float32' && dtype !== 'int8') throw invalidField(`${field}.dtype`, 'float32 or int8', dtype);
  return { dtype, pageLen, numPages, layersPerMemory };
}
