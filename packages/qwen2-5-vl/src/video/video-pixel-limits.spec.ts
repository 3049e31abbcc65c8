import { expect, test } from 'vitest';
import { videoPixelLimits } from './video-pixel-limits.js';

test('all frames together keep within the budget, and none gets less than 1.05 of the minimum (spec §4.2)', () => {
  const table = [
    [20, {}, 100_352, 602_112],
    [720, {}, 100_352, 250_880],
    [768, {}, 100_352, 235_200],
    [768, { totalPixels: 19_267_584 }, 100_352, 105_369],
    [40, { maxPixels: 60_000 }, 100_352, 60_000],
    [32, { maxPixels: 2_000_000 }, 100_352, 602_112],
    [72, { minPixels: 12_544, totalPixels: 1_568_000 }, 12_544, 1_568_000 / 36],
  ] as const;
  for (const [numFrames, limits, minPixels, maxPixels] of table) {
    expect(videoPixelLimits(numFrames, limits)).toEqual({ minPixels, maxPixels });
  }
});
