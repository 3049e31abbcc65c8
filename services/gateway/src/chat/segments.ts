import type { EmbeddingKey, Segment, VisualSegment } from '@tessera/domain';
import type { BuiltPrompt } from '@tessera/qwen2-5-vl';

/** The runs of text and pictures that tile a prompt; `keys` has one embedding key a visual, in prompt order. */
export function segmentPrompt(prompt: BuiltPrompt, keys: readonly EmbeddingKey[]): Segment[] {
  const segments: Segment[] = [];
  let offset = 0;
  const addText = (end: number) => {
    if (end > offset) segments.push({ kind: 'text', offset, length: end - offset });
  };
  prompt.visuals.forEach((visual, mediaIndex) => {
    addText(visual.offset);
    segments.push(toVisualSegment(visual, mediaIndex, keys[mediaIndex]!));
    offset = visual.offset + visual.numTokens;
  });
  addText(prompt.tokenIds.length);
  return segments;
}

function toVisualSegment(
  visual: BuiltPrompt['visuals'][number],
  mediaIndex: number,
  embeddingKey: EmbeddingKey,
): VisualSegment {
  return {
    kind: visual.kind,
    offset: visual.offset,
    length: visual.numTokens,
    grid: visual.grid,
    mediaIndex,
    embeddingKey,
    processing: { resizedHeight: visual.resized.height, resizedWidth: visual.resized.width },
  };
}
