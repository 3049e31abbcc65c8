import { mropePositions, type PromptRun, type VisionConfig, windowOrder } from '@tessera/qwen2-5-vl';
import { describe, expect, test } from 'vitest';
import { readGolden } from './goldens.js';

type GridTriple = readonly [number, number, number];
const gridOf = ([t, h, w]: GridTriple) => ({ t, h, w });

const windows = readGolden<{
  window_size: number;
  patch_size: number;
  spatial_merge_size: number;
  cases: {
    grid_thw: GridTriple[];
    window_index: number[];
    cu_window_seqlens: number[];
    cu_full_seqlens: number[];
  }[];
}>('unit/window_index.json');

describe('windowOrder', () => {
  const config = {
    windowSize: windows.window_size,
    patchSize: windows.patch_size,
    spatialMergeSize: windows.spatial_merge_size,
  } as VisionConfig;
  for (const golden of windows.cases) {
    test(`orders ${JSON.stringify(golden.grid_thw)} as the reference does`, () => {
      const order = windowOrder(golden.grid_thw.map(gridOf), config);
      expect([...order.windowIndex]).toEqual(golden.window_index);
      expect([...order.cuWindowSeqlens]).toEqual(golden.cu_window_seqlens);
      expect([...order.cuFullSeqlens]).toEqual(golden.cu_full_seqlens);
    });
  }
});

type LayoutEntry = ['text', number] | ['image', GridTriple] | ['video', GridTriple, number];

const ropes = readGolden<{
  spatial_merge_size: number;
  cases: {
    tokens_per_second: number;
    layout: LayoutEntry[];
    input_ids: number[];
    position_ids: [number[], number[], number[]];
    rope_delta: number;
    next_position: number;
  }[];
}>('unit/rope_index.json');

/** A layout names only the visuals; each stands between a start and an end token. */
function runsOf(layout: readonly LayoutEntry[]): PromptRun[] {
  return layout.flatMap(([kind, extent, secondPerGrid = 0]): PromptRun[] => {
    if (kind === 'text') return [{ kind, length: extent }];
    const bracket: PromptRun = { kind: 'text', length: 1 };
    return [bracket, { kind, grid: gridOf(extent), secondPerGrid }, bracket];
  });
}

describe('mropePositions', () => {
  for (const golden of ropes.cases) {
    test(`places ${JSON.stringify(golden.layout)} as the reference does`, () => {
      const positions = mropePositions(runsOf(golden.layout), {
        spatialMergeSize: ropes.spatial_merge_size,
        tokensPerSecond: golden.tokens_per_second,
      });
      const ids = [positions.temporal, positions.height, positions.width].map((axis) => [...axis]);
      expect(ids).toEqual(golden.position_ids);
      expect(positions.next).toBe(golden.next_position);
      expect(positions.next - golden.input_ids.length).toBe(golden.rope_delta);
    });
  }
});
