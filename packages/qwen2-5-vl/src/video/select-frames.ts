import { ServingError } from '@tessera/domain';
import { roundHalfEven } from '../round-half-even.js';

/** What is known of a video and what is asked of it. */
export interface FrameRequest {
  /** Frames in the file, and their rate. */
  readonly numFrames: number;
  readonly videoFps: number;
  /** Wanted number of frames; rounded to an even one. It rules out `fps`, `minFrames` and `maxFrames`. */
  readonly numWanted?: number;
  /** Wanted rate; default 2. */
  readonly fps?: number;
  /** Default 4. */
  readonly minFrames?: number;
  /** Default 768, or the clip's length if that is less. */
  readonly maxFrames?: number;
  /** Bounds of the clip in seconds; default the whole video. */
  readonly startSeconds?: number;
  readonly endSeconds?: number;
}

export interface SelectedFrames {
  /** An even number of frame numbers in the file, ascending. */
  readonly indices: readonly number[];
  /** Rate of the selected frames. */
  readonly sampleFps: number;
  /** Seconds from one pair of frames to the next. */
  readonly secondPerGrid: number;
}

const frameFactor = 2;
const defaults = { fps: 2, minFrames: 4, maxFrames: 768 } as const;

const ceilToFactor = (value: number) => Math.ceil(value / frameFactor) * frameFactor;
const floorToFactor = (value: number) => Math.floor(value / frameFactor) * frameFactor;

/**
 * Chooses evenly spaced frames, the clip's first and last included (spec §4.1). Throws ServingError `invalid_field`
 * when the clip has fewer than two frames or fewer than are wanted.
 */
export function selectFrames(request: FrameRequest): SelectedFrames {
  const { videoFps } = request;
  const first = request.startSeconds === undefined ? 0 : Math.ceil(request.startSeconds * videoFps);
  const lastInFile = request.numFrames - 1;
  const last =
    request.endSeconds === undefined ? lastInFile : Math.min(Math.floor(request.endSeconds * videoFps), lastInFile);
  const clipLen = last - first + 1;
  const numSelected = numFramesOf(clipLen, request);
  if (!(numSelected >= frameFactor && numSelected <= clipLen)) {
    throw new ServingError(
      'invalid_field',
      `${numSelected} frames cannot be taken from a clip of ${Math.max(0, clipLen)}; at least ${frameFactor} are needed`,
      { numFrames: clipLen, wanted: numSelected },
    );
  }
  const sampleFps = (numSelected / Math.max(clipLen, 1e-6)) * videoFps;
  return {
    indices: evenlySpaced(clipLen - 1, numSelected).map((offset) => first + roundHalfEven(offset)),
    sampleFps,
    secondPerGrid: frameFactor / sampleFps,
  };
}

function numFramesOf(clipLen: number, request: FrameRequest): number {
  if (request.numWanted !== undefined) return roundHalfEven(request.numWanted / frameFactor) * frameFactor;
  const least = ceilToFactor(request.minFrames ?? defaults.minFrames);
  const most = floorToFactor(request.maxFrames ?? Math.min(defaults.maxFrames, clipLen));
  const byRate = (clipLen / request.videoFps) * (request.fps ?? defaults.fps);
  return floorToFactor(Math.min(Math.max(byRate, least), most, clipLen));
}

/** 0 … end in float32 as PyTorch's linspace: from the start in the first half, from the end in the second. */
function evenlySpaced(end: number, numPoints: number): number[] {
  const step = Math.fround(end / (numPoints - 1));
  return Array.from({ length: numPoints }, (_, i) =>
    i < Math.floor(numPoints / 2) ? Math.fround(step * i) : Math.fround(end - Math.fround(step * (numPoints - 1 - i))),
  );
}
