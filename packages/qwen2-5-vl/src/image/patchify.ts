import { ServingError, type VisualInput } from '@tessera/domain';
import type { ProcessorConfig } from '../config/processor-config.js';

/**
 * Patch rows [numPatches, 3 · temporalPatch · patch²], normalised, in processor order: time, block row, block column,
 * then the patches of a merge block; a row is channel, frame, y, x (spec §3.6). Frames that an image or an odd video
 * lacks are its last one again. Throws ServingError `internal` when frames and grid do not fit.
 */
export function patchify(visual: VisualInput, config: ProcessorConfig): Float32Array {
  return patchRows(visual, config, config.temporalPatchSize);
}

/** The same of a still, whose frames are all one: [numPatches, 3 · patch²]. */
export function patchifyStill(visual: VisualInput, config: ProcessorConfig): Float32Array {
  if (visual.numFrames !== 1) throw new ServingError('internal', `A still of ${visual.numFrames} frames.`);
  return patchRows(visual, config, 1);
}

function patchRows(visual: VisualInput, config: ProcessorConfig, framesPerPatch: number): Float32Array {
  assertFits(visual, config);
  const { grid, numFrames, height, width, frames } = visual;
  const { patchSize, spatialMergeSize: merge } = config;
  const table = normalisationTable(config);
  const frameStride = patchSize * patchSize;
  const channelStride = framesPerPatch * frameStride;
  const rows = new Float32Array(grid.t * grid.h * grid.w * 3 * channelStride);

  const writePatch = (target: number, source: number) => {
    for (let y = 0; y < patchSize; y++, source += width * 3) {
      let from = source;
      for (let x = 0; x < patchSize; x++, from += 3, target++) {
        rows[target] = table[frames[from]!]!;
        rows[target + channelStride] = table[256 + frames[from + 1]!]!;
        rows[target + 2 * channelStride] = table[512 + frames[from + 2]!]!;
      }
    }
  };

  let target = 0;
  for (let t = 0; t < grid.t; t++) {
    for (let blockRow = 0; blockRow < grid.h; blockRow += merge) {
      for (let blockColumn = 0; blockColumn < grid.w; blockColumn += merge) {
        for (let patch = 0; patch < merge * merge; patch++, target += 3 * channelStride) {
          const y = (blockRow + Math.floor(patch / merge)) * patchSize;
          const x = (blockColumn + (patch % merge)) * patchSize;
          for (let frame = 0; frame < framesPerPatch; frame++) {
            const frameIndex = Math.min(t * framesPerPatch + frame, numFrames - 1);
            writePatch(target + frame * frameStride, ((frameIndex * height + y) * width + x) * 3);
          }
        }
      }
    }
  }
  return rows;
}

/** [3, 256]: what each byte becomes in each channel, with the reference's float32 roundings. */
function normalisationTable({ rescaleFactor, imageMean, imageStd }: ProcessorConfig): Float32Array {
  return Float32Array.from({ length: 3 * 256 }, (_, i) => {
    const channel = i >> 8;
    const centred = Math.fround(Math.fround((i & 255) * rescaleFactor) - Math.fround(imageMean[channel]!));
    return centred / Math.fround(imageStd[channel]!);
  });
}

function assertFits({ grid, numFrames, height, width, frames }: VisualInput, config: ProcessorConfig): void {
  const numGrids = Math.ceil(numFrames / config.temporalPatchSize);
  const isFitting =
    grid.t === numGrids &&
    grid.h * config.patchSize === height &&
    grid.w * config.patchSize === width &&
    grid.h % config.spatialMergeSize === 0 &&
    grid.w % config.spatialMergeSize === 0 &&
    frames.length === numFrames * height * width * 3;
  if (!isFitting) {
    throw new ServingError(
      'internal',
      `${numFrames} frames of ${width} × ${height} in ${frames.length} bytes do not make a grid of ` +
        `${grid.t} × ${grid.h} × ${grid.w} patches of ${config.patchSize}`,
    );
  }
}
