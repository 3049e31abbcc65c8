import type { Grid, MropePositions } from '@tessera/domain';
import type { VisionConfig } from '../config/model-config.js';

/** A stretch of prompt tokens of one kind. */
export type PromptRun =
  | { readonly kind: 'text'; readonly length: number }
  /** All placeholders of one visual; `secondPerGrid` is the time between two temporal grids, 0 for an image. */
  | { readonly kind: 'image' | 'video'; readonly grid: Grid; readonly secondPerGrid: number };

/**
 * M-RoPE ids of a prompt (spec §6.4). Text counts on all three axes; a visual spreads from the next id, in time by
 * seconds · tokensPerSecond, truncated after float32 products; what follows starts above everything before.
 */
export function mropePositions(
  runs: readonly PromptRun[],
  config: Pick<VisionConfig, 'spatialMergeSize' | 'tokensPerSecond'>,
): MropePositions {
  const length = runs.reduce((sum, run) => sum + runLength(run, config.spatialMergeSize), 0);
  const temporal = new Int32Array(length);
  const height = new Int32Array(length);
  const width = new Int32Array(length);
  let next = 0;
  let index = 0;
  for (const run of runs) {
    if (run.kind === 'text') {
      for (let i = 0; i < run.length; i++, index++, next++) {
        temporal[index] = next;
        height[index] = next;
        width[index] = next;
      }
      continue;
    }
    const rows = run.grid.h / config.spatialMergeSize;
    const columns = run.grid.w / config.spatialMergeSize;
    let lastStep = 0;
    for (let t = 0; t < run.grid.t; t++) {
      lastStep = temporalStep(t, run.secondPerGrid, config.tokensPerSecond);
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++, index++) {
          temporal[index] = next + lastStep;
          height[index] = next + row;
          width[index] = next + column;
        }
      }
    }
    next += 1 + Math.max(lastStep, rows - 1, columns - 1);
  }
  return { temporal, height, width, next };
}

function runLength(run: PromptRun, mergeSize: number): number {
  return run.kind === 'text' ? run.length : (run.grid.t * run.grid.h * run.grid.w) / mergeSize ** 2;
}

/** Each product is rounded to float32 before the next: float64 gives other ids on long clips. */
function temporalStep(t: number, secondPerGrid: number, tokensPerSecond: number): number {
  return Math.trunc(Math.fround(Math.fround(t * Math.fround(secondPerGrid)) * tokensPerSecond));
}
