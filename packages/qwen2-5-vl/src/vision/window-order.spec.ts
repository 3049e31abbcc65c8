import { describe, expect, test } from 'vitest';
import { windowOrder } from './window-order.js';

const published = { windowSize: 112, patchSize: 14, spatialMergeSize: 2 } as Parameters<typeof windowOrder>[1];

function order(grids: readonly (readonly [number, number, number])[], config = published) {
  const { windowIndex, cuWindowSeqlens, cuFullSeqlens } = windowOrder(
    grids.map(([t, h, w]) => ({ t, h, w })),
    config,
  );
  return { index: [...windowIndex], windows: [...cuWindowSeqlens], frames: [...cuFullSeqlens] };
}

describe('windowOrder', () => {
  test('walks window by window and leaves border windows small (spec §5.3)', () => {
    expect(order([[1, 10, 12]])).toEqual({
      index: [
        0, 1, 2, 3, 6, 7, 8, 9, 12, 13, 14, 15, 18, 19, 20, 21, 4, 5, 10, 11, 16, 17, 22, 23, 24, 25, 26, 27, 28, 29,
      ],
      windows: [0, 64, 96, 112, 120],
      frames: [0, 120],
    });
  });

  test('makes one window of a picture that is just a window wide and high', () => {
    const { index, windows } = order([[1, 8, 8]]);
    expect(index).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(windows).toEqual([0, 64]);
  });

  test('never lets a window cross two temporal grids', () => {
    expect(order([[2, 6, 10]])).toEqual({
      index: [
        0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 4, 9, 14, 15, 16, 17, 18, 20, 21, 22, 23, 25, 26, 27, 28, 19, 24, 29,
      ],
      windows: [0, 48, 60, 108, 120],
      frames: [0, 60, 120],
    });
  });

  test('numbers the units of several visuals one after another', () => {
    expect(
      order([
        [1, 2, 2],
        [1, 4, 2],
      ]),
    ).toEqual({ index: [0, 1, 2], windows: [0, 4, 12], frames: [0, 4, 12] });
  });

  test('takes the window from the configuration', () => {
    expect(order([[1, 4, 6]], { ...published, windowSize: 56 })).toEqual({
      index: [0, 1, 3, 4, 2, 5],
      windows: [0, 16, 24],
      frames: [0, 24],
    });
  });
});
