import { describe, expect, test } from 'vitest';
import { visionRotaryAngles } from './vision-rotary-angles.js';

const config = { headDim: 80, spatialMergeSize: 2 } as Parameters<typeof visionRotaryAngles>[1];

describe('visionRotaryAngles', () => {
  const { cos, sin } = visionRotaryAngles([{ t: 2, h: 4, w: 6 }], config);
  test('turns the first half of a row by the patch row, the second by its column, in block order', () => {
    const inOrder = [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
      [0, 2],
      [0, 3],
      [1, 2],
      [1, 3],
      [0, 4],
      [0, 5],
      [1, 4],
      [1, 5],
      [2, 0],
      [2, 1],
      [3, 0],
      [3, 1],
    ] as const;
    expect(cos.length).toBe(2 * 24 * 40);
    inOrder.forEach(([row, column], patch) => {
      // Frequencies 1 and 21 turn by 10000^(−2 / 40) a step.
      for (const [frequency, coordinate] of [
        [1, row],
        [21, column],
      ] as const) {
        expect(cos[patch * 40 + frequency], `patch ${patch}`).toBeCloseTo(Math.cos(coordinate * 0.630957), 5);
        expect(sin[patch * 40 + frequency], `patch ${patch}`).toBeCloseTo(Math.sin(coordinate * 0.630957), 5);
      }
    });
  });

  test('repeats the frame for every time step', () => {
    expect(cos.subarray(24 * 40)).toEqual(cos.subarray(0, 24 * 40));
    expect(sin.subarray(24 * 40)).toEqual(sin.subarray(0, 24 * 40));
  });
});
