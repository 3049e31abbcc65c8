import { selectFrames, smartResize, videoPixelLimits } from '@tessera/qwen2-5-vl';
import type { GoldenFolder } from '../golden-folder.js';
import type { VerifyReport } from '../verify-report.js';
import { orRefusal } from './or-refusal.js';

interface VideoVector {
  readonly total_frames: number;
  readonly video_fps: number;
  readonly height: number;
  readonly width: number;
  readonly options: Readonly<Record<string, number | undefined>>;
  /** Only where the request must be refused; the fields below are absent then. */
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

const frameOptions = {
  numWanted: 'nframes',
  fps: 'fps',
  minFrames: 'min_frames',
  maxFrames: 'max_frames',
  startSeconds: 'video_start',
  endSeconds: 'video_end',
};
const sizeOptions = { minPixels: 'min_pixels', maxPixels: 'max_pixels', totalPixels: 'total_pixels' };

/** Frames, pixel budget and grid of videos whose header is known. */
export async function checkVideoSampling(folder: GoldenFolder, report: VerifyReport, rung: string): Promise<void> {
  const vectors = await folder.readJson<{ cases: readonly VideoVector[] }>('unit', 'video_sampling.json');
  for (const vector of vectors?.cases ?? []) {
    const { total_frames, video_fps, height, width, options, error } = vector;
    const subject = `${total_frames} frames of ${height} × ${width} at ${video_fps} with ${JSON.stringify(options)}`;
    const expected = error === undefined ? expectedOf(vector) : { refused: 'invalid_field' };
    report.equal(
      rung,
      subject,
      orRefusal(() => sample(vector)),
      expected,
    );
  }
}

function expectedOf(vector: VideoVector): unknown[] {
  const { nframes, frame_indices, sample_fps, second_per_grid_t, min_pixels, max_pixels, resized } = vector;
  return [
    nframes,
    frame_indices,
    sample_fps,
    second_per_grid_t,
    min_pixels,
    max_pixels,
    resized,
    vector.grid_thw,
    vector.tokens,
  ];
}

/** The vectors are of the published patches, which the file does not state: 14 pixels, two frames, merged by 2 × 2. */
const patchSize = 14;
const temporalPatchSize = 2;
const patchesPerToken = 4;

/** In the order of `expectedOf`. */
function sample({ total_frames, video_fps, height, width, options }: VideoVector): unknown[] {
  const request = { numFrames: total_frames, videoFps: video_fps, ...given(options, frameOptions) };
  const { indices, sampleFps, secondPerGrid } = selectFrames(request);
  const limits = videoPixelLimits(indices.length, given(options, sizeOptions));
  const resized = smartResize({ height, width }, limits);
  const grid = [indices.length / temporalPatchSize, resized.height / patchSize, resized.width / patchSize];
  const numTokens = (grid[0] * grid[1] * grid[2]) / patchesPerToken;
  const size = [resized.height, resized.width];
  return [indices.length, indices, sampleFps, secondPerGrid, limits.minPixels, limits.maxPixels, size, grid, numTokens];
}

/** The options that were given under our names; absent ones stay absent. */
function given<Key extends string>(
  options: VideoVector['options'],
  names: Readonly<Record<Key, string>>,
): Partial<Record<Key, number>> {
  const entries = Object.entries<string>(names).map(([ours, theirs]) => [ours, options[theirs]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Partial<Record<Key, number>>;
}
