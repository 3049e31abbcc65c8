import { ServingError } from '@tessera/domain';
import type { PixelLimits } from '@tessera/qwen2-5-vl';
import type { ImagePart } from './image-part.js';

/** Pixels of an image with `detail: "low"`: 256 tokens of 28 × 28. */
export const lowDetailMaxPixels = 256 * 784;

/**
 * The pixel range in which a part is seen: its own limits over the checkpoint's, and at most `lowDetailMaxPixels` under
 * low detail. ServingError `invalid_field` when the range is empty.
 */
export function pixelLimitsOf(part: ImagePart, checkpoint: PixelLimits): PixelLimits {
  const { detail, min_pixels, max_pixels } = part.scaling;
  const ceiling = max_pixels ?? checkpoint.maxPixels;
  const minPixels = min_pixels ?? checkpoint.minPixels;
  const maxPixels = detail === 'low' ? Math.min(ceiling, lowDetailMaxPixels) : ceiling;
  if (minPixels <= maxPixels) return { minPixels, maxPixels };
  const [name, problem] =
    min_pixels == null
      ? ['max_pixels', `${maxPixels} is below the checkpoint's min_pixels, ${minPixels}`]
      : ['min_pixels', `${minPixels} is above max_pixels, ${maxPixels}`];
  const field = `${part.path}.${name}`;
  throw new ServingError('invalid_field', `${field}: ${problem}`, {
    field,
    minPixels,
    maxPixels,
  });
}
