import { selectFrames, smartResize, videoPixelLimits } from '@tessera/qwen2-5-vl';
import { describe, expect, test } from 'vitest';
import { readGolden } from './goldens.js';

interface VideoGolden {
  readonly total_frames: number;
  readonly video_fps: number;
  readonly height: number;
  readonly width: number;
  readonly options: Readonly<Record<string, number | undefined>>;
  readonly error?: string;
  readonly nframes: number;
  readonly frame_indices: readonly number[];
  readonly sample_fps: number;
  readonly second_per_grid_t: number;
  readonly min_pixels: number;
  readonly max_pixels: number;
  readonly resized: readonly [number, number];
  readonly grid_thw: readonly [number, number, number];
  readonly tokens: number;
}

const { cases } = readGolden<{ cases: VideoGolden[] }>('unit/video_sampling.json');

/** The options that were given; absent ones stay absent. */
function given<Key extends string>(options: VideoGolden['options'], names: Readonly<Record<Key, string>>) {
  const entries = Object.entries<string>(names).map(([ours, theirs]) => [ours, options[theirs]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Partial<Record<Key, number>>;
}

const frameOptions = {
  numWanted: 'nframes',
  fps: 'fps',
  minFrames: 'min_frames',
  maxFrames: 'max_frames',
  startSeconds: 'video_start',
  endSeconds: 'video_end',
};
const sizeOptions = { minPixels: 'min_pixels', maxPixels: 'max_pixels', totalPixels: 'total_pixels' };

for (const golden of cases) {
  const { total_frames: numFrames, video_fps: videoFps, height, width, options } = golden;
  describe(`${numFrames} frames of ${height} × ${width} at ${videoFps} with ${JSON.stringify(options)}`, () => {
    const select = () => selectFrames({ numFrames, videoFps, ...given(options, frameOptions) });
    if (golden.error !== undefined) {
      test('is refused', () => {
        expect(select).toThrow(expect.objectContaining({ reason: 'invalid_field' }));
      });
      return;
    }

    test('gives the frames of the reference', () => {
      expect(select()).toEqual({
        indices: golden.frame_indices,
        sampleFps: golden.sample_fps,
        secondPerGrid: golden.second_per_grid_t,
      });
    });

    test('fits the pixel budget as the reference does', () => {
      const limits = videoPixelLimits(golden.nframes, given(options, sizeOptions));
      expect(limits).toEqual({ minPixels: golden.min_pixels, maxPixels: golden.max_pixels });
      const resized = smartResize({ height, width }, limits);
      expect(resized).toEqual({ height: golden.resized[0], width: golden.resized[1] });
      const grid = [golden.nframes / 2, resized.height / 14, resized.width / 14];
      expect(grid).toEqual(golden.grid_thw);
      expect((grid[0]! * grid[1]! * grid[2]!) / 4).toBe(golden.tokens);
    });
  });
}
