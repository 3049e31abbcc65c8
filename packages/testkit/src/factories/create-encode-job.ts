import { type EncodeJob, embeddingKey } from '@tessera/domain';

/** Picture `picture` of 4 × 4 patches, four rows, whose file is its key, but for what is given. */
export function createEncodeJob(given: Partial<EncodeJob> = {}): EncodeJob {
  const { grid, embeddingKey: key } = { grid: { t: 1, h: 4, w: 4 }, embeddingKey: embeddingKey('picture'), ...given };
  return {
    ticket: `ticket of ${key}`,
    tenant: 'default',
    embeddingKey: key,
    kind: 'image',
    grid,
    processing: { resizedHeight: grid.h * 14, resizedWidth: grid.w * 14 },
    source: new TextEncoder().encode(key),
    ...given,
  };
}
