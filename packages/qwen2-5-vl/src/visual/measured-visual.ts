import { type Grid, ServingError } from '@tessera/domain';
import type { ProcessorConfig } from '../config/processor-config.js';
import type { ImageSize } from '../image/rgb-image.js';
import { type PixelLimits, smartResize } from '../image/smart-resize.js';
import { type VideoLimits, videoPixelLimits } from '../video/video-pixel-limits.js';

/** A picture or video of which only the header is known: what it will be resized to and what it costs. */
export interface MeasuredVisual {
  readonly kind: 'image' | 'video';
  readonly grid: Grid;
  readonly resized: ImageSize;
  /** The upright picture's size. */
  readonly source: ImageSize;
  /** Placeholder tokens in the prompt. */
  readonly numTokens: number;
  /** Seconds between two temporal grids; 0 for an image. */
  readonly secondPerGrid: number;
}

/** A video after frame selection. */
export interface VideoSource {
  /** Selected frames; an odd one out is repeated. */
  readonly numFrames: number;
  readonly size: ImageSize;
  /** Rate of the selected frames. */
  readonly fps: number;
  readonly limits?: VideoLimits;
}

/** `limits` replace the checkpoint's one by one. Throws ServingError `media_aspect_ratio` or `invalid_field`. */
export function measureImage(
  size: ImageSize,
  processing: ProcessorConfig,
  limits: Partial<PixelLimits> = {},
): MeasuredVisual {
  assertOrdered(limits);
  const effective = {
    minPixels: limits.minPixels ?? processing.minPixels,
    maxPixels: limits.maxPixels ?? processing.maxPixels,
  };
  return measure('image', size, effective, { t: 1, secondPerGrid: 0 }, processing);
}

/** Throws ServingError `media_aspect_ratio` or `invalid_field`. */
export function measureVideo(
  { numFrames, size, fps, limits }: VideoSource,
  processing: ProcessorConfig,
): MeasuredVisual {
  assertOrdered(limits ?? {});
  if (!(numFrames >= 1 && fps > 0)) {
    throw new ServingError('invalid_field', `a video of ${numFrames} frames at ${fps} frames a second has no length`);
  }
  const { temporalPatchSize } = processing;
  const t = Math.ceil(numFrames / temporalPatchSize);
  const time = { t, secondPerGrid: temporalPatchSize / fps };
  return measure('video', size, videoPixelLimits(t * temporalPatchSize, limits), time, processing);
}

function measure(
  kind: 'image' | 'video',
  source: ImageSize,
  limits: PixelLimits,
  { t, secondPerGrid }: { readonly t: number; readonly secondPerGrid: number },
  { patchSize, spatialMergeSize }: ProcessorConfig,
): MeasuredVisual {
  const resized = smartResize(source, limits, patchSize * spatialMergeSize);
  const grid = { t, h: resized.height / patchSize, w: resized.width / patchSize };
  return { kind, grid, resized, source, numTokens: (grid.t * grid.h * grid.w) / spatialMergeSize ** 2, secondPerGrid };
}

function assertOrdered({ minPixels, maxPixels }: Partial<PixelLimits>): void {
  if (minPixels !== undefined && maxPixels !== undefined && minPixels > maxPixels) {
    throw new ServingError('invalid_field', `min_pixels is ${minPixels}, above max_pixels ${maxPixels}`, {
      field: 'min_pixels',
      minPixels,
      maxPixels,
    });
  }
}
