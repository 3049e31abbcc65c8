import type { PixelLimits } from '../image/smart-resize.js';

/** What a request may say about the size of its video's frames; all in pixels. */
export interface VideoLimits {
  readonly minPixels?: number;
  /** Lowers the budget of a frame, never raises it. */
  readonly maxPixels?: number;
  /** Budget of all frames together. */
  readonly totalPixels?: number;
}

/** 28 × 28 pixels make one token of a frame pair. */
const tokenPixels = 28 * 28;
const frameFactor = 2;

/** The reference's constants (spec §4.2). */
const defaults = {
  minPixels: 128 * tokenPixels,
  maxPixels: 768 * tokenPixels,
  totalPixels: Math.trunc(128_000 * tokenPixels * 0.9),
} as const;

/** Limits of one frame so that all `numFrames` together keep within the video's budget. */
export function videoPixelLimits(numFrames: number, limits: VideoLimits = {}): PixelLimits {
  const minPixels = limits.minPixels ?? defaults.minPixels;
  const totalPixels = limits.totalPixels ?? defaults.totalPixels;
  const budget = Math.max(
    Math.min(defaults.maxPixels, (totalPixels / numFrames) * frameFactor),
    Math.trunc(minPixels * 1.05),
  );
  return { minPixels, maxPixels: Math.min(budget, limits.maxPixels ?? budget) };
}
