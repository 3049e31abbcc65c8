import type { VisualInput } from '@tessera/domain';
import { createRandom } from '@tessera/engine';
import type { VisionConfig } from '@tessera/qwen2-5-vl';

/** A square picture of noise, `side` pixels wide; the same for the same side. */
export function noisePicture({ patchSize }: VisionConfig, side: number): VisualInput {
  const sidePatches = Math.floor(side / patchSize);
  const random = createRandom(side);
  return {
    grid: { t: 1, h: sidePatches, w: sidePatches },
    numFrames: 1,
    height: side,
    width: side,
    frames: Uint8Array.from({ length: side * side * 3 }, () => Math.floor(random() * 256)),
  };
}
