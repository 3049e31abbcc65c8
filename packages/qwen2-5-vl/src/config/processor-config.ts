import { ServingError } from '@tessera/domain';
import type { PixelLimits } from '../image/smart-resize.js';
import { CheckpointFields } from './checkpoint-fields.js';
import type { VisionConfig } from './model-config.js';

/** How pixels become patches, from `preprocessor_config.json`. */
export interface ProcessorConfig extends PixelLimits {
  readonly patchSize: number;
  readonly temporalPatchSize: number;
  readonly spatialMergeSize: number;
  /** What a byte is multiplied by before the mean is subtracted; 1 / 255. */
  readonly rescaleFactor: number;
  readonly imageMean: readonly [number, number, number];
  readonly imageStd: readonly [number, number, number];
}

/** The reference class's defaults, which hold when the file is missing (spec §3.1). */
const defaults = {
  minPixels: 56 * 56,
  maxPixels: 28 * 28 * 1280,
  rescaleFactor: 1 / 255,
  imageMean: [0.48145466, 0.4578275, 0.40821073],
  imageStd: [0.26862954, 0.26130258, 0.27577711],
} as const;

/** Switches of the reference's processor that this one does not have: any other value is refused. */
const fixedSwitches: Readonly<Record<string, boolean | number>> = {
  do_resize: true,
  do_rescale: true,
  do_normalize: true,
  do_convert_rgb: true,
  resample: 3,
};

/**
 * Reads a parsed `preprocessor_config.json`; undefined gives the defaults. Patch sizes are the tower's, and a file
 * that states others is refused. Throws ServingError `checkpoint_invalid`, which names the field.
 */
export function validateProcessorConfig(
  raw: unknown,
  vision: Pick<VisionConfig, 'patchSize' | 'temporalPatchSize' | 'spatialMergeSize'>,
): ProcessorConfig {
  const fields = new CheckpointFields(raw ?? {}, 'preprocessor_config.json');
  for (const [key, only] of Object.entries(fixedSwitches)) assertEquals(fields, key, fields.raw(key), only);
  assertEquals(fields, 'patch_size', fields.count('patch_size'), vision.patchSize);
  assertEquals(fields, 'temporal_patch_size', fields.count('temporal_patch_size'), vision.temporalPatchSize);
  assertEquals(fields, 'merge_size', fields.count('merge_size'), vision.spatialMergeSize);
  // These two are pixel counts despite their names.
  const size = fields.section('size');
  const minPixels = fields.count('min_pixels') ?? size?.count('shortest_edge') ?? defaults.minPixels;
  const maxPixels = fields.count('max_pixels') ?? size?.count('longest_edge') ?? defaults.maxPixels;
  if (minPixels > maxPixels) {
    throw new ServingError(
      'checkpoint_invalid',
      `${fields.name('min_pixels')} is ${minPixels}, above max_pixels ${maxPixels}`,
    );
  }
  return {
    minPixels,
    maxPixels,
    patchSize: vision.patchSize,
    temporalPatchSize: vision.temporalPatchSize,
    spatialMergeSize: vision.spatialMergeSize,
    rescaleFactor: fields.positiveNumber('rescale_factor') ?? defaults.rescaleFactor,
    imageMean: fields.channels('image_mean') ?? defaults.imageMean,
    imageStd: fields.channels('image_std') ?? defaults.imageStd,
  };
}

function assertEquals(fields: CheckpointFields, key: string, stated: unknown, only: boolean | number): void {
  if (stated === undefined || stated === only) return;
  const field = fields.name(key);
  throw new ServingError('checkpoint_invalid', `${field} is ${JSON.stringify(stated)}; only ${only} is supported`, {
    field,
  });
}
