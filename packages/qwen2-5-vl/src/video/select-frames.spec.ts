import { describe, expect, test } from 'vitest';
import { selectFrames } from './select-frames.js';

describe('selectFrames', () => {
  test('spreads two frames a second evenly over the clip, both ends included (spec §4.2)', () => {
    const { indices, sampleFps, secondPerGrid } = selectFrames({ numFrames: 300, videoFps: 30 });
    expect(indices.slice(0, 5)).toEqual([0, 16, 31, 47, 63]);
    expect(indices.slice(-2)).toEqual([283, 299]);
    expect([indices.length, sampleFps, secondPerGrid]).toEqual([20, 2, 1]);
    expect(selectFrames({ numFrames: 140, videoFps: 29.97 }).indices).toEqual([0, 20, 40, 60, 79, 99, 119, 139]);
  });

  test('keeps an even number of frames between the bounds', () => {
    const table = [
      [{ numFrames: 9000, videoFps: 25 }, 720],
      [{ numFrames: 54_000, videoFps: 30 }, 768],
      [{ numFrames: 3, videoFps: 30 }, 2],
      [{ numFrames: 5, videoFps: 30 }, 4],
      [{ numFrames: 100, videoFps: 25, fps: 0.1, minFrames: 5 }, 6],
      [{ numFrames: 100, videoFps: 25, maxFrames: 7 }, 6],
      [{ numFrames: 100, videoFps: 25, numWanted: 15 }, 16],
      [{ numFrames: 100, videoFps: 25, numWanted: 17 }, 16],
    ] as const;
    for (const [request, count] of table) expect(selectFrames(request).indices.length).toBe(count);
  });

  test('numbers the frames of a clip from the beginning of the file', () => {
    const { indices } = selectFrames({ numFrames: 900, videoFps: 30, startSeconds: 20, fps: 1 });
    expect(indices).toEqual([600, 633, 666, 700, 733, 766, 799, 833, 866, 899]);
    expect(selectFrames({ numFrames: 900, videoFps: 30, endSeconds: 1 }).indices).toEqual([0, 10, 20, 30]);
  });

  test('refuses a clip of fewer than two frames or fewer than are wanted', () => {
    expect(() => selectFrames({ numFrames: 1, videoFps: 30 })).toThrow('0 frames cannot be taken from a clip of 1');
    expect(() => selectFrames({ numFrames: 40, videoFps: 10, numWanted: 43 })).toThrow('44 frames');
    expect(() => selectFrames({ numFrames: 40, videoFps: 10, startSeconds: 9 })).toThrow('from a clip of 0');
  });
});
