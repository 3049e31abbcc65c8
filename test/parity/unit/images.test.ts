import { resizeBicubic, smartResize } from '@tessera/qwen2-5-vl';
import { describe, expect, test } from 'vitest';
import { readGolden, readGoldenTensors } from './goldens.js';

const sizes = readGolden<{
  factor: number;
  cases: {
    height: number;
    width: number;
    min_pixels: number;
    max_pixels: number;
    resized: [number, number] | null;
  }[];
}>('unit/smart_resize.json');

describe('smartResize', () => {
  for (const { height, width, min_pixels, max_pixels, resized } of sizes.cases) {
    const resize = () => smartResize({ height, width }, { minPixels: min_pixels, maxPixels: max_pixels }, sizes.factor);
    test(`${resized === null ? 'refuses' : 'fits'} ${height} × ${width} in ${min_pixels} … ${max_pixels}`, () => {
      if (resized === null) expect(resize).toThrow(expect.objectContaining({ reason: 'media_aspect_ratio' }));
      else expect(resize()).toEqual({ height: resized[0], width: resized[1] });
    });
  }
});

describe('resizeBicubic', () => {
  const tensors = readGoldenTensors('unit/resample.safetensors');
  const inputs = [...tensors.keys()].filter((name) => name.startsWith('in_'));

  test('has pictures to compare', () => {
    expect(inputs.length).toBeGreaterThan(0);
    expect(tensors.size).toBe(2 * inputs.length);
  });

  for (const name of inputs) {
    const input = tensors.get(name)!;
    const output = tensors.get(name.replace('in_', 'out_'))!;
    const [height, width] = [input.shape[0]!, input.shape[1]!];
    const size = { height: output.shape[0]!, width: output.shape[1]! };
    test(`resizes ${height} × ${width} to ${size.height} × ${size.width} byte for byte`, () => {
      const resized = resizeBicubic({ height, width, data: input.bytes }, size);
      expect(resized).toMatchObject(size);
      expect(Buffer.compare(resized.data, output.bytes)).toBe(0);
    });
  }
});
