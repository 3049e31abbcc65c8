import { ServingError } from '@tessera/domain';
import { describe, expect, test } from 'vitest';
import { validateProcessorConfig } from '../config/processor-config.js';
import { patchify, patchifyStill } from './patchify.js';

const config = validateProcessorConfig(undefined, { patchSize: 14, temporalPatchSize: 2, spatialMergeSize: 2 });

/** Frame f of the picture v(y, x, c) = (7x + 13y + 29c + f) mod 256. */
function rampFrame(height: number, width: number, frame = 0): number[] {
  return Array.from({ length: height * width * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return (7 * (pixel % width) + 13 * Math.floor(pixel / width) + 29 * (i % 3) + frame) % 256;
  });
}

function rampVisual(numFrames: number) {
  const frames = Uint8Array.from(Array.from({ length: numFrames }, (_, frame) => rampFrame(56, 56, frame)).flat());
  return { grid: { t: Math.ceil(numFrames / 2), h: 4, w: 4 }, numFrames, height: 56, width: 56, frames };
}

describe('patchify', () => {
  const rows = patchify(rampVisual(1), config);

  test('writes the rows of the reference (spec §3.6)', () => {
    expect(rows.length).toBe(16 * 1176);
    // Row, first four columns, last column.
    const vectors = [
      [0, [-1.79226, -1.69007, -1.58788, -1.4857], -0.59858],
      [1, [-0.36162, -0.25943, -0.15724, -0.05505], 0.79499],
      [2, [0.86465, 0.96684, 1.06903, 1.17122], 1.98948],
      [3, [-1.4419, -1.33971, -1.23752, -1.13533], -0.25729],
      [4, [1.06903, 1.17122, 1.27341, 1.3756], -1.45178],
      [15, [-0.74118, -0.63899, -0.5368, -0.43461], 0.42527],
    ] as const;
    for (const [row, first, last] of vectors) {
      first.forEach((value, column) => {
        expect(rows[row * 1176 + column], `row ${row}`).toBeCloseTo(value, 5);
      });
      expect(rows[row * 1176 + 1175], `row ${row}`).toBeCloseTo(last, 5);
    }
    expect(rows[392]).toBeCloseTo(-1.31687, 5);
    expect(rows.reduce((sum, value) => sum + value, 0)).toBeCloseTo(3732.93635, 3);
  });

  test('normalises black and white as the reference does', () => {
    const frames = new Uint8Array(28 * 28 * 3).fill(255, 0, 3);
    const patch = patchify({ grid: { t: 1, h: 2, w: 2 }, numFrames: 1, height: 28, width: 28, frames }, config);
    const white = [1.93033625, 2.07488384, 2.14589699];
    const black = [-1.79226253, -1.75209713, -1.48021977];
    for (let channel = 0; channel < 3; channel++) {
      expect(patch[channel * 392]).toBeCloseTo(white[channel]!, 6);
      expect(patch[channel * 392 + 1]).toBeCloseTo(black[channel]!, 6);
    }
  });

  test('leaves the second frame of a still away on demand', () => {
    const still = patchifyStill(rampVisual(1), config);
    expect(still.length).toBe(rows.length / 2);
    for (let i = 0; i < still.length; i += 196) {
      expect(still.subarray(i, i + 196)).toEqual(rows.subarray(2 * i, 2 * i + 196));
    }
    expect(() => patchifyStill(rampVisual(2), config)).toThrow(ServingError);
  });

  test('gives an image its one frame twice', () => {
    for (let i = 0; i < rows.length; i += 392) {
      expect(rows.subarray(i, i + 196)).toEqual(rows.subarray(i + 196, i + 392));
    }
  });

  test('puts two frames of a video in a row and repeats the last of an odd number', () => {
    const odd = patchify(rampVisual(3), config);
    expect(odd.length).toBe(2 * rows.length);
    expect(odd.subarray(0, 196)).toEqual(rows.subarray(0, 196));
    expect(odd[196]).not.toBe(odd[0]);
    const second = odd.subarray(rows.length);
    expect(second.subarray(0, 196)).toEqual(second.subarray(196, 392));
    expect(second[0]).not.toBe(odd[196]);
  });

  test('refuses frames that do not fill the grid', () => {
    expect(() => patchify({ ...rampVisual(1), width: 42 }, config)).toThrow(ServingError);
    expect(() => patchify({ ...rampVisual(4), numFrames: 5 }, config)).toThrow(/do not make a grid of 2 × 4 × 4/);
  });
});
