import { describe, expect, test } from 'vitest';
import { validateProcessorConfig } from './processor-config.js';

const vision = { patchSize: 14, temporalPatchSize: 2, spatialMergeSize: 2 };

describe('validateProcessorConfig', () => {
  test('gives the defaults of the reference without a file', () => {
    expect(validateProcessorConfig(undefined, vision)).toEqual({
      ...vision,
      minPixels: 3136,
      maxPixels: 1_003_520,
      rescaleFactor: 1 / 255,
      imageMean: [0.48145466, 0.4578275, 0.40821073],
      imageStd: [0.26862954, 0.26130258, 0.27577711],
    });
  });

  test('reads the limits in either form, the plain one first', () => {
    const size = { shortest_edge: 100, longest_edge: 2000 };
    expect(validateProcessorConfig({ size }, vision)).toMatchObject({ minPixels: 100, maxPixels: 2000 });
    expect(validateProcessorConfig({ size, min_pixels: 300 }, vision)).toMatchObject({
      minPixels: 300,
      maxPixels: 2000,
    });
  });

  test('reads mean and deviation', () => {
    const raw = { image_mean: [0.5, 0.25, 0.125], image_std: [1, 2, 3] };
    expect(validateProcessorConfig(raw, vision)).toMatchObject({ imageMean: raw.image_mean, imageStd: raw.image_std });
  });

  const refused = [
    [{ patch_size: 16 }, 'patch_size is 16; only 14 is supported'],
    [{ merge_size: 4 }, 'merge_size is 4; only 2 is supported'],
    [{ do_normalize: false }, 'do_normalize is false; only true is supported'],
    [{ resample: 2 }, 'resample is 2; only 3 is supported'],
    [{ min_pixels: 10, max_pixels: 5 }, 'min_pixels is 10, above max_pixels 5'],
    [{ image_mean: [0.5] }, 'image_mean must be three numbers, not [0.5]'],
  ] as const;
  for (const [raw, message] of refused) {
    test(`refuses ${JSON.stringify(raw)}`, () => {
      expect(() => validateProcessorConfig(raw, vision)).toThrow(`preprocessor_config.json: ${message}`);
    });
  }
});
