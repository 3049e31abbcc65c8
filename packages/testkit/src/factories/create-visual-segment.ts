import { embeddingKey, type VisualSegment } from '@tessera/domain';

/** Image `picture` of 4 × 4 patches, four placeholders at the prompt's start, but for what is given. */
export function createVisualSegment(given: Partial<VisualSegment> = {}): VisualSegment {
  const { grid } = { grid: { t: 1, h: 4, w: 4 }, ...given };
  return {
    kind: 'image',
    offset: 0,
    length: (grid.t * grid.h * grid.w) / 4,
    grid,
    mediaIndex: 0,
    embeddingKey: embeddingKey('picture'),
    processing: { resizedHeight: grid.h * 14, resizedWidth: grid.w * 14 },
    ...given,
  };
}
