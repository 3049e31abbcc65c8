import { availableParallelism } from 'node:os';
import { embeddingKey, type StagedVisual } from '@tessera/domain';
import { type AttentionKernelName, CpuEncoder, LocalRankGroup, prepareEngine } from '@tessera/engine';
import { loadProcessor } from '@tessera/onnx-graph';
import type { Processor, SpecialTokenIds } from '@tessera/qwen2-5-vl';
import { createMediaDecoderPool, type MediaDecoderPool } from '@tessera/vision-encoder';
import { checkDecoder } from './check-decoder.js';
import { checkPrompt } from './check-prompt.js';
import { checkUnitVectors } from './check-unit-vectors.js';
import { checkVision } from './check-vision.js';
import { type GoldenCase, GoldenFolder } from './golden-folder.js';
import { loadGoldenMedia } from './golden-media.js';
import type { VerifyReport } from './verify-report.js';

export interface VerifyOptions {
  readonly weights: 'fp32';
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

/** Compares everything in a folder of reference data with what the product computes (goldens README, parity ladder). */
export async function runVerify(dir: string, options: VerifyOptions, report: VerifyReport): Promise<void> {
  const folder = new GoldenFolder(dir);
  const checkpoints = await folder.checkpoints();
  options.onProgress('unit vectors');
  await checkUnitVectors(folder, report);
  const decoders = createMediaDecoderPool({ numProcesses: 2, deadlineMs: 60_000, maxMemoryBytes: 2 ** 31, maxPixels });
  try {
    for (const checkpoint of checkpoints) {
      try {
        await verifyCheckpoint(folder, checkpoint, decoders, options, report);
      } catch (error) {
        report.broken('0 checkpoint', checkpoint, error);
      }
    }
  } finally {
    await decoders.close();
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
  for (const golden of cases) await checkPrompt(folder, golden, processor, report);
  const embeds = await checkTower(folder, checkpointDir, cases, processor, decoders, options, report);
  for (const numRanks of options.numRanks) {
    const subject = { checkpointDir, processor, cases, embeds, label: checkpoint };
    await checkRanks(subject, numRanks, options, report);
  }
}

/** Embeddings of all media of each case. */
type CaseEmbeds = ReadonlyMap<string, readonly Float32Array[]>;

const numThreads = availableParallelism();

async function checkTower(
  folder: GoldenFolder,
  checkpointDir: string,
  cases: readonly GoldenCase[],
  processor: Processor,
  decoders: MediaDecoderPool,
  options: VerifyOptions,
  report: VerifyReport,
): Promise<CaseEmbeds> {
  const engineOptions = { weights: options.weights, numRanks: 1, cut: 'attention', hasTaps: true } as const;
  const engine = await prepareEngine(checkpointDir, engineOptions, { cacheDir: options.cacheDir, numThreads });
  const encoder = await CpuEncoder.create(engine.dir, { numThreads });
  const embeds = new Map<string, readonly Float32Array[]>();
  try {
    for (const golden of cases) {
      options.onProgress(`${golden.name}: vision`);
      const visuals = await loadGoldenMedia(folder, golden, decoders);
      embeds.set(golden.name, await checkVision(golden, visuals, processor, encoder, report));
    }
  } finally {
    await encoder.close();
  }
  return embeds;
}

interface DecoderSubject {
  readonly checkpointDir: string;
  readonly processor: Processor;
  readonly cases: readonly GoldenCase[];
  readonly embeds: CaseEmbeds;
  readonly label: string;
}

async function checkRanks(
  { checkpointDir, processor, cases, embeds, label: checkpoint }: DecoderSubject,
  numRanks: number,
  options: VerifyOptions,
  report: VerifyReport,
): Promise<void> {
  const cut = numRanks === 1 ? 'attention' : 'allReduce';
  const engineOptions = { weights: options.weights, numRanks, cut, hasTaps: false } as const;
  const engine = await prepareEngine(checkpointDir, engineOptions, { cacheDir: options.cacheDir, numThreads });
  const longest = Math.max(...cases.map(({ record }) => record.input_ids.length + record.greedy_tokens.length));
  const numLanes = Math.max(...options.batchSizes);
  const decoder = await LocalRankGroup.create(engine.dir, {
    numThreads,
    kernel: options.kernel,
    numLanes,
    kvCapacityTokens: numLanes * (longest + pageSlack),
    maxStepTokens: numLanes * longest,
    numTokens: processor.tokenizer.numTokens,
  });
  try {
    const staged: (GoldenCase & { visuals: readonly StagedVisual[] })[] = [];
    for (const golden of cases) {
      staged.push({ ...golden, visuals: await stageVisuals(decoder, golden, embeds, processor.config.specialTokens) });
    }
    for (const batchSize of options.batchSizes) {
      for (const chunkLen of options.chunkLens) {
        const label = `chunk ${Number.isFinite(chunkLen) ? chunkLen : 'whole'}, batch ${batchSize}, tp ${numRanks}`;
        options.onProgress(`${checkpoint}: ${label}`);
        await checkDecoder(decoder, staged, { chunkLen, batchSize, label }, report);
      }
    }
  } finally {
    await decoder.close();
  }
}

/** Every sequence may leave its last page half empty. */
const pageSlack = 64;

async function stageVisuals(
  decoder: LocalRankGroup,
  { name, record }: GoldenCase,
  embeds: CaseEmbeds,
  { image, video }: SpecialTokenIds,
): Promise<StagedVisual[]> {
  const visuals: StagedVisual[] = [];
  let from = 0;
  for (const [i, data] of (embeds.get(name) ?? []).entries()) {
    const numTokens = data.length / decoder.description.hiddenSize;
    const key = embeddingKey(`${name}/${i}`);
    await decoder.stage({ embeddingKey: key, numTokens, data });
    const offset = record.input_ids.findIndex((id, index) => index >= from && (id === image || id === video));
    visuals.push({ embeddingKey: key, offset, length: numTokens });
    from = offset + numTokens;
  }
  return visuals;
}
