import { ServingError } from '@tessera/domain';
import { roundHalfEven } from '../round-half-even.js';
import type { ImageSize } from './rgb-image.js';

/** Least and most pixels of a resized picture. */
export interface PixelLimits {
  readonly minPixels: number;
  readonly maxPixels: number;
}

/** A picture may be this many times as long as it is wide. */
const maxAspectRatio = 200;

/**
 * The size a picture is resized to: sides are multiples of `factor` (patch · merge size), the area is within the limits
 * where the shape allows it, the aspect ratio stays close (spec §3.3, with a floor of one factor a side).
 * Throws ServingError `media_aspect_ratio` above 1 : 200.
 */
export function smartResize({ height, width }: ImageSize, limits: PixelLimits, factor = 28): ImageSize {
  const aspectRatio = Math.max(height, width) / Math.min(height, width);
  if (!(aspectRatio <= maxAspectRatio)) {
    throw new ServingError(
      'media_aspect_ratio',
      `a picture of ${width} × ${height} pixels has an aspect ratio above ${maxAspectRatio}`,
      { width, height, limit: maxAspectRatio },
    );
  }
  const { minPixels, maxPixels } = limits;
  const rounded = {
    height: Math.max(factor, roundHalfEven(height / factor) * factor),
    width: Math.max(factor, roundHalfEven(width / factor) * factor),
  };
  const area = rounded.height * rounded.width;
  if (area > maxPixels) {
    const shrink = Math.sqrt((height * width) / maxPixels);
    return {
      height: Math.max(factor, Math.floor(height / shrink / factor) * factor),
      width: Math.max(factor, Math.floor(width / shrink / factor) * factor),
    };
  }
  if (area < minPixels) {
    const grow = Math.sqrt(minPixels / (height * width));
    return {
      height: Math.ceil((height * grow) / factor) * factor,
      width: Math.ceil((width * grow) / factor) * factor,
    };
  }
  return rounded;
}
