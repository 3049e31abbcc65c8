import type { Grid } from '@tessera/domain';
import type { VisionConfig } from '../config/model-config.js';

/** Order of the merged units inside the tower and the attention groups of its two kinds of block. */
export interface WindowOrder {
  /** [numMerged]: position i in the tower holds unit `windowIndex[i]` of the original (t, row, column) order. */
  readonly windowIndex: Int32Array;
  /** Bounds, in patches, of the windows: 0 first, empty windows left out. */
  readonly cuWindowSeqlens: Int32Array;
  /** Bounds, in patches, of the frames, to which the full-attention blocks are confined. */
  readonly cuFullSeqlens: Int32Array;
}

/**
 * Window order of the visuals of one call, one after another (spec §5.3). A merged unit is mergeSize² patches; windows
 * at the right and lower border are smaller instead of padded.
 */
export function windowOrder(grids: readonly Grid[], config: VisionConfig): WindowOrder {
  const { patchSize, spatialMergeSize: merge } = config;
  const unitsPerSide = Math.floor(Math.floor(config.windowSize / merge) / patchSize);
  const windowIndex: number[] = [];
  const windowBounds = [0];
  const frameBounds = [0];
  let firstUnit = 0;
  for (const grid of grids) {
    const rows = grid.h / merge;
    const columns = grid.w / merge;
    for (let t = 0; t < grid.t; t++, firstUnit += rows * columns) {
      for (let top = 0; top < rows; top += unitsPerSide) {
        for (let left = 0; left < columns; left += unitsPerSide) {
          const bottom = Math.min(top + unitsPerSide, rows);
          const right = Math.min(left + unitsPerSide, columns);
          for (let row = top; row < bottom; row++) {
            for (let column = left; column < right; column++) windowIndex.push(firstUnit + row * columns + column);
          }
          windowBounds.push(windowIndex.length * merge * merge);
        }
      }
      frameBounds.push(windowIndex.length * merge * merge);
    }
  }
  return {
    windowIndex: Int32Array.from(windowIndex),
    cuWindowSeqlens: Int32Array.from(windowBounds),
    cuFullSeqlens: Int32Array.from(frameBounds),
  };
}
