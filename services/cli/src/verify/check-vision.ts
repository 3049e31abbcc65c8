import { createHash } from 'node:crypto';
import type { VisualInput } from '@tessera/domain';
import type { CpuEncoder } from '@tessera/engine';
import { type Processor, patchify } from '@tessera/qwen2-5-vl';
import { concatFloats } from './concat-floats.js';
import type { GoldenCase } from './golden-folder.js';
import type { VerifyReport } from './verify-report.js';

const tolerances = { pixels: 1e-6, embeds: 5e-5, block: 1e-4 };

/** Images form one stream of a case, videos another; their tensors carry a suffix. */
const streams = [
  { kind: 'image', stream: 'images', suffix: '' },
  { kind: 'video', stream: 'videos', suffix: '_videos' },
] as const;

/** Rungs 5 and 6: patches, the tower's blocks and the embeddings; returns the embeddings in prompt order. */
export async function checkVision(
  golden: GoldenCase,
  visuals: readonly VisualInput[],
  { processing }: Processor,
  encoder: CpuEncoder,
  report: VerifyReport,
): Promise<Float32Array[]> {
  const { record, tensors, name } = golden;
  const embeds = await encoder.encode(visuals);
  for (const { kind, stream, suffix } of streams) {
    const indices = record.media.flatMap((media, i) => (media.kind === kind ? [i] : []));
    if (indices.length === 0) continue;
    const chosen = indices.map((i) => visuals[i]);
    comparePixels(golden, stream, suffix, concatFloats(chosen.map((v) => patchify(v, processing))), report);
    const compare = (rung: string, actual: readonly Float32Array[], tolerance: number): void => {
      const expected = tensors.get(rung + suffix);
      if (expected)
        report.close(`6 ${rung.replace(/\d+/, '<i>')}`, `${name} ${stream}`, concatFloats(actual), expected, tolerance);
    };
    compare(
      'vision_embeds',
      indices.map((i) => embeds[i]),
      tolerances.embeds,
    );
    if (!tensors.has(`vision_patch_embed${suffix}`)) continue;
    const taps = await encoder.tap(chosen);
    compare(
      'vision_patch_embed',
      taps.map((tap) => tap.patchEmbed),
      tolerances.embeds,
    );
    for (const block of taps[0].blocks.keys()) {
      compare(
        `vision_block_${block}`,
        taps.map((tap) => tap.blocks[block]),
        tolerances.block,
      );
    }
  }
  return embeds;
}

function comparePixels(
  { record, tensors, name }: GoldenCase,
  stream: 'images' | 'videos',
  suffix: string,
  patches: Float32Array,
  report: VerifyReport,
): void {
  const expected = record.pixel_streams?.[stream];
  if (!expected) return;
  const subject = `${name} ${stream}`;
  const rowLen = patches.length / expected.rows;
  const all = tensors.get(`pixel_values${suffix}`);
  if (all) report.close('5 pixel_values', subject, patches, all, tolerances.pixels);
  const some = tensors.get(`pixel_values_rows${suffix}`);
  if (some) {
    const rows = (expected.row_indices ?? []).map((row) => patches.subarray(row * rowLen, (row + 1) * rowLen));
    report.close('5 pixel_values', subject, concatFloats(rows), some, tolerances.pixels);
  }
  const digest = createHash('sha256').update(new Uint8Array(patches.buffer, patches.byteOffset, patches.byteLength));
  report.equal('5 pixel_values sha256', subject, digest.digest('hex'), expected.sha256_float32_le);
}
