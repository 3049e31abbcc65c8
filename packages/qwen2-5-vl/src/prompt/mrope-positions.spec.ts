import { describe, expect, test } from 'vitest';
import { mropePositions, type PromptRun } from './mrope-positions.js';

const config = { spatialMergeSize: 2, tokensPerSecond: 2 };
const text = (length: number): PromptRun => ({ kind: 'text', length });
const image = (t: number, h: number, w: number): PromptRun => ({ kind: 'image', grid: { t, h, w }, secondPerGrid: 0 });
const video = (t: number, h: number, w: number, secondPerGrid: number): PromptRun => ({
  kind: 'video',
  grid: { t, h, w },
  secondPerGrid,
});

function ids(...runs: PromptRun[]) {
  const { temporal, height, width, next } = mropePositions(runs, config);
  return { t: [...temporal].join(' '), h: [...height].join(' '), w: [...width].join(' '), next };
}

describe('mropePositions', () => {
  test('spreads an image over height and width and goes on above it', () => {
    expect(ids(text(4), image(1, 4, 6), text(3))).toEqual({
      t: '0 1 2 3 4 4 4 4 4 4 7 8 9',
      h: '0 1 2 3 4 4 4 5 5 5 7 8 9',
      w: '0 1 2 3 4 5 6 4 5 6 7 8 9',
      next: 10,
    });
  });

  test('spreads a video over seconds, truncated', () => {
    const table = [
      [1, '0 1 2 2 2 2 4 4 4 4 6 6 6 6 7 8 9', 10],
      [2.002, '0 1 2 2 2 2 6 6 6 6 10 10 10 10 11 12 13', 14],
      [0.5, '0 1 2 2 2 2 3 3 3 3 4 4 4 4 5 6 7', 8],
      [0.75, '0 1 2 2 2 2 3 3 3 3 5 5 5 5 6 7 8', 9],
    ] as const;
    for (const [secondPerGrid, temporal, next] of table) {
      expect(ids(text(2), video(3, 4, 4, secondPerGrid), text(3))).toMatchObject({ t: temporal, next });
    }
  });

  test('keeps counting over several visuals', () => {
    expect(ids(text(2), image(1, 4, 4), text(2), video(2, 4, 4, 1), text(2), image(1, 2, 4), text(2))).toEqual({
      t: '0 1 2 2 2 2 4 5 6 6 6 6 8 8 8 8 9 10 11 11 13 14',
      h: '0 1 2 2 3 3 4 5 6 6 7 7 6 6 7 7 9 10 11 11 13 14',
      w: '0 1 2 3 2 3 4 5 6 7 6 7 6 7 6 7 9 10 11 12 13 14',
      next: 15,
    });
  });

  test('multiplies in float32: at 1.3 frames a second grid 39 starts at 120, not 119', () => {
    const { temporal } = mropePositions([video(40, 2, 2, 2 / 1.3)], config);
    expect([temporal[38], temporal[39]]).toEqual([116, 120]);
  });

  test('is empty for an empty prompt', () => {
    expect(ids()).toEqual({ t: '', h: '', w: '', next: 0 });
  });
});
