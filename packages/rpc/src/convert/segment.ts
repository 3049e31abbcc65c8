import type { MessageInitShape } from '@bufbuild/protobuf';
import { embeddingKey, type Grid, type Segment, type VisualProcessing, type VisualSegment } from '@tessera/domain';
import * as wire from '@tessera/proto/common/v1';
import { createEnumWords } from './enum-words.js';
import { present } from './invalid-field.js';

/** Image and video. */
export const visualKinds = createEnumWords({ image: wire.VisualKind.IMAGE, video: wire.VisualKind.VIDEO });

export function segmentToProto(segment: Segment): MessageInitShape<typeof wire.SegmentSchema> {
  const { kind, offset, length } = segment;
  if (kind === 'text') return { offset, length };
  const { grid, mediaIndex, embeddingKey: key, processing } = segment;
  return {
    offset,
    length,
    visual: { kind: visualKinds.numberOf(kind), grid, mediaIndex, embeddingKey: key, processing },
  };
}

/** Throws `invalid_field` with a path below `field`. */
export function segmentFromProto(segment: wire.Segment, field: string): Segment {
  const { offset, length, visual } = segment;
  if (visual === undefined) return { kind: 'text', offset, length };
  return { ...visualFromProto(visual, `${field}.visual`), offset, length };
}

function visualFromProto(visual: wire.Visual, field: string): Omit<VisualSegment, 'offset' | 'length'> {
  return {
    kind: visualKinds.wordOf(visual.kind, `${field}.kind`),
    grid: gridFromProto(visual.grid, `${field}.grid`),
    mediaIndex: visual.mediaIndex,
    embeddingKey: embeddingKey(visual.embeddingKey),
    processing: processingFromProto(visual.processing, `${field}.processing`),
  };
}

export function gridFromProto(grid: wire.Grid | undefined, field: string): Grid {
  const { t, h, w } = present(grid, field);
  return { t, h, w };
}

export function processingFromProto(processing: wire.VisualProcessing | undefined, field: string): VisualProcessing {
  const { resizedHeight, resizedWidth } = present(processing, field);
  return { resizedHeight, resizedWidth };
}
