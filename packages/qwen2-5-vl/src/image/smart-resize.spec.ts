import { ServingError } from '@tessera/domain';
import { describe, expect, test } from 'vitest';
import { smartResize } from './smart-resize.js';

const published = { minPixels: 3136, maxPixels: 12_845_056 };

// Height, width → height, width (spec §3.4).
const vectors = [
  [1080, 1920, 1092, 1932],
  [1920, 1080, 1932, 1092],
  [2400, 1080, 2408, 1092],
  [1280, 720, 1288, 728],
  [480, 640, 476, 644],
  [126, 490, 112, 504],
  [3500, 2480, 3500, 2492],
  [4000, 3000, 4004, 2996],
  [8000, 6000, 4116, 3080],
  [1532, 1014, 1540, 1008],
  [28, 28, 56, 56],
  [56, 56, 56, 56],
  [70, 70, 56, 56],
  [42, 42, 56, 56],
  [100, 100, 112, 112],
  [224, 224, 224, 224],
  [336, 336, 336, 336],
  [27, 257, 28, 252],
  [639, 31, 644, 28],
  [1398, 870, 1400, 868],
  [1, 1, 56, 56],
  [1, 200, 28, 196],
] as const;

// With limits 256 · 784 … 1280 · 784.
const narrowVectors = [
  [1080, 1920, 728, 1316],
  [1280, 720, 1288, 728],
  [224, 224, 448, 448],
  [3500, 2480, 1176, 840],
  [10, 1999, 56, 6356],
] as const;

describe('smartResize', () => {
  test('gives the sizes of the reference under the published limits', () => {
    for (const [height, width, ...resized] of vectors) {
      expect(Object.values(smartResize({ height, width }, published)), `${height}×${width}`).toEqual(resized);
    }
  });

  test('shrinks and grows by the original aspect ratio when the limits are narrow', () => {
    const limits = { minPixels: 256 * 784, maxPixels: 1280 * 784 };
    for (const [height, width, ...resized] of narrowVectors) {
      expect(Object.values(smartResize({ height, width }, limits)), `${height}×${width}`).toEqual(resized);
    }
  });

  test('keeps every side at one factor or more, however small the limit', () => {
    expect(smartResize({ height: 3550, width: 58 }, { minPixels: 784, maxPixels: 20_000 })).toEqual({
      height: 1092,
      width: 28,
    });
  });

  test('refuses an aspect ratio above 200 and a side of nothing', () => {
    for (const size of [
      { height: 1, width: 201 },
      { height: 2601, width: 13 },
      { height: 0, width: 10 },
      { height: 0, width: 0 },
    ]) {
      expect(() => smartResize(size, published)).toThrow(ServingError);
    }
    expect(() => smartResize({ height: 201, width: 1 }, published)).toThrow(
      'a picture of 1 × 201 pixels has an aspect ratio above 200',
    );
  });
});
