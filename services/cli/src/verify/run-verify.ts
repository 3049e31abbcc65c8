import { availableParallelism } from 'node:os';
import type { VisualInput } from '@tessera/domain';
import { type AttentionKernelName, CpuEncoder, prepareEngine } from '@tessera/engine';
import { loadProcessor, servingOptions, type WeightPlan } from '@tessera/onnx-graph';
import type { Processor } from '@tessera/qwen2-5-vl';
import { createMediaDecoderPool, type MediaDecoderPool } from '@tessera/vision-encoder';
import { checkPrompt } from './check-prompt.js';
import { checkRanks } from './check-ranks.js';
import { checkVision } from './check-vision.js';
import { type GoldenCase, GoldenFolder } from './golden-folder.js';
import { loadGoldenMedia } from './golden-media.js';
import { checkUnitVectors } from './unit/check-unit-vectors.js';
import type { VerifyReport } from './verify-report.js';

export interface VerifyOptions {
  readonly weights: WeightPlan;
  readonly kernel: AttentionKernelName;
  /** Prompt tokens a step; Infinity computes a prompt whole. */
  readonly chunkLens: readonly number[];
  readonly batchSizes: readonly number[];
  readonly numRanks: readonly number[];
  readonly cacheDir: string;
  /** Names the part that is being checked. */
  readonly onProgress: (what: string) => void;
}

const maxPixels = 100_000_000;

/**
 * Compares everything in a folder of reference data with what the product computes (goldens README, parity ladder).
 * Nothing is thrown: what breaks, and a folder without anything to compare, is a failure in the report.
 */
export async function runVerify(dir: string, options: VerifyOptions, report: VerifyReport): Promise<void> {
  const folder = new GoldenFolder(dir);
  options.onProgress('unit vectors');
  await checkUnitVectors(folder, report);
  const decoders = createMediaDecoderPool({ numProcesses: 2, deadlineMs: 60_000, maxMemoryBytes: 2 ** 31, maxPixels });
  try {
    for (const checkpoint of await folder.checkpoints()) {
      await report.attempt('0 checkpoint', checkpoint, () =>
        verifyCheckpoint(folder, checkpoint, decoders, options, report),
      );
    }
  } finally {
    await decoders.close();
  }
  if (report.checks.length === 0) {
    report.broken('0 folder', dir, 'There is nothing in its cases and unit folders.');
  }
}

async function verifyCheckpoint(
  folder: GoldenFolder,
  checkpoint: string,
  decoders: MediaDecoderPool,
  options: VerifyOptions,
  report: VerifyReport,
): Promise<void> {
  const checkpointDir = folder.path('checkpoints', checkpoint);
  const processor = await loadProcessor(checkpointDir);
  const cases = (await folder.cases(checkpoint)).map((golden) => ({ ...golden, name: `${checkpoint}/${golden.name}` }));
  options.onProgress(`${checkpoint}: prompts`);
  for (const golden of cases) {
    await report.attempt('4 prompt', golden.name, () => checkPrompt(folder, golden, processor, report));
  }
  const visuals = new Map<string, readonly VisualInput[]>();
  for (const golden of cases) {
    await report.attempt('5 pixel_values', golden.name, async () => {
      visuals.set(golden.name, await loadGoldenMedia(folder, golden, decoders));
    });
  }
  const decodable = cases.filter(({ name }) => visuals.has(name));
  const embeds = await checkTower(checkpointDir, decodable, visuals, processor, options, report);
  for (const numRanks of options.numRanks) {
    await checkRanks({ checkpoint, checkpointDir, processor, cases: decodable, embeds }, numRanks, options, report);
  }
}

/** Embeddings of all media of each case, in prompt order. */
async function checkTower(
  checkpointDir: string,
  cases: readonly GoldenCase[],
  visuals: ReadonlyMap<string, readonly VisualInput[]>,
  processor: Processor,
  { weights, cacheDir, onProgress }: VerifyOptions,
  report: VerifyReport,
): Promise<ReadonlyMap<string, readonly Float32Array[]>> {
  const numThreads = availableParallelism();
  const engineOptions = { ...servingOptions(weights, 1), hasTaps: true };
  const engine = await prepareEngine(checkpointDir, engineOptions, { cacheDir, numThreads });
  const encoder = await CpuEncoder.create(engine.dir, { numThreads });
  const embeds = new Map<string, readonly Float32Array[]>();
  try {
    for (const golden of cases) {
      onProgress(`${golden.name}: vision`);
      const inputs = visuals.get(golden.name) ?? [];
      embeds.set(golden.name, await checkVision(golden, inputs, processor, encoder, report));
    }
  } finally {
    await encoder.close();
  }
  return embeds;
}
