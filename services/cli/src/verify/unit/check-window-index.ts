import { type VisionConfig, windowOrder } from '@tessera/qwen2-5-vl';
import type { GoldenFolder } from '../golden-folder.js';
import type { VerifyReport } from '../verify-report.js';

interface WindowVectors {
  readonly window_size: number;
  readonly patch_size: number;
  readonly spatial_merge_size: number;
  readonly cases: readonly {
    readonly grid_thw: readonly (readonly [number, number, number])[];
    readonly window_index: readonly number[];
    readonly cu_window_seqlens: readonly number[];
    readonly cu_full_seqlens: readonly number[];
  }[];
}

/** Window order of the tower and the bounds of its two kinds of attention. */
export async function checkWindowIndex(folder: GoldenFolder, report: VerifyReport, rung: string): Promise<void> {
  const vectors = await folder.readJson<WindowVectors>('unit', 'window_index.json');
  if (!vectors) return;
  const config = {
    windowSize: vectors.window_size,
    patchSize: vectors.patch_size,
    spatialMergeSize: vectors.spatial_merge_size,
  } as VisionConfig;
  for (const { grid_thw, window_index, cu_window_seqlens, cu_full_seqlens } of vectors.cases) {
    const grids = grid_thw.map(([t, h, w]) => ({ t, h, w }));
    const { windowIndex, cuWindowSeqlens, cuFullSeqlens } = windowOrder(grids, config);
    const actual = [windowIndex, cuWindowSeqlens, cuFullSeqlens].map((ids) => Array.from(ids));
    report.equal(rung, `grids ${JSON.stringify(grid_thw)}`, actual, [window_index, cu_window_seqlens, cu_full_seqlens]);
  }
}
