import { mropePositions, type PromptRun } from '@tessera/qwen2-5-vl';
import type { GoldenFolder } from '../golden-folder.js';
import type { VerifyReport } from '../verify-report.js';

type GridTriple = readonly [number, number, number];

interface RopeVectors {
  readonly spatial_merge_size: number;
  readonly image_token_id: number;
  readonly video_token_id: number;
  readonly cases: readonly RopeVector[];
}

interface RopeVector {
  readonly tokens_per_second: number;
  readonly input_ids: readonly number[];
  readonly image_grid_thw: readonly GridTriple[];
  readonly video_grid_thw: readonly GridTriple[];
  readonly second_per_grid_ts: readonly number[];
  readonly position_ids: readonly (readonly number[])[];
  readonly rope_delta: number;
  readonly next_position: number;
}

/** M-RoPE positions of prompts that are given as ids. */
export async function checkRopeIndex(folder: GoldenFolder, report: VerifyReport, rung: string): Promise<void> {
  const vectors = await folder.readJson<RopeVectors>('unit', 'rope_index.json');
  for (const [i, vector] of (vectors?.cases ?? []).entries()) {
    const { temporal, height, width, next } = mropePositions(runsOf(vector, vectors as RopeVectors), {
      spatialMergeSize: (vectors as RopeVectors).spatial_merge_size,
      tokensPerSecond: vector.tokens_per_second,
    });
    const actual = {
      positions: [temporal, height, width].map((ids) => Array.from(ids)),
      next,
      delta: next - vector.input_ids.length,
    };
    const expected = { positions: vector.position_ids, next: vector.next_position, delta: vector.rope_delta };
    report.equal(rung, `prompt ${i}, ${vector.input_ids.length} tokens`, actual, expected);
  }
}

/** The k-th stretch of placeholders of a kind belongs to the k-th grid of that kind. */
function runsOf(vector: RopeVector, { image_token_id, video_token_id, spatial_merge_size }: RopeVectors): PromptRun[] {
  const images = vector.image_grid_thw.map((grid) => ({ grid, secondPerGrid: 0 }));
  const videos = vector.video_grid_thw.map((grid, i) => ({ grid, secondPerGrid: vector.second_per_grid_ts[i] }));
  const runs: PromptRun[] = [];
  for (let i = 0; i < vector.input_ids.length; ) {
    const id = vector.input_ids[i];
    const isImage = id === image_token_id;
    const visual = isImage ? images.shift() : id === video_token_id ? videos.shift() : undefined;
    if (visual) {
      const [t, h, w] = visual.grid;
      runs.push({ kind: isImage ? 'image' : 'video', grid: { t, h, w }, secondPerGrid: visual.secondPerGrid });
      i += (t * h * w) / spatial_merge_size ** 2;
    } else {
      runs.push({ kind: 'text', length: 1 });
      i++;
    }
  }
  return runs;
}
