import { availableParallelism } from 'node:os';
import { embeddingKey, ServingError, type StagedVisual } from '@tessera/domain';
import { LocalRankGroup, prepareEngine } from '@tessera/engine';
import { type CompiledEngine, servingOptions } from '@tessera/onnx-graph';
import type { Processor, SpecialTokenIds } from '@tessera/qwen2-5-vl';
import { checkDecoder } from './check-decoder.js';
import type { GoldenCase } from './golden-folder.js';
import type { VerifyOptions } from './run-verify.js';
import type { VerifyReport } from './verify-report.js';

export interface DecoderSubject {
  readonly checkpoint: string;
  readonly checkpointDir: string;
  readonly processor: Processor;
  readonly cases: readonly GoldenCase[];
  /** Embeddings of all media of each case, in prompt order. */
  readonly embeds: ReadonlyMap<string, readonly Float32Array[]>;
}

/** Rungs 7 to 9 at one tensor-parallel degree, with every chunk length and batch size. */
export async function checkRanks(
  subject: DecoderSubject,
  numRanks: number,
  options: VerifyOptions,
  report: VerifyReport,
): Promise<void> {
  const { checkpoint, processor } = subject;
  const engine = await prepareRanks(subject, numRanks, options, report);
  if (!engine || subject.cases.length === 0) return;
  const decoder = await startDecoder(engine, subject, options);
  try {
    const staged: (GoldenCase & { visuals: readonly StagedVisual[] })[] = [];
    for (const golden of subject.cases) {
      const embeds = subject.embeds.get(golden.name) ?? [];
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

/** The engine, or undefined when the checkpoint cannot be split that way, which is no failure. */
async function prepareRanks(
  { checkpoint, checkpointDir }: DecoderSubject,
  numRanks: number,
  { weights, cacheDir }: VerifyOptions,
  report: VerifyReport,
): Promise<CompiledEngine | undefined> {
  const engineOptions = servingOptions(weights, numRanks);
  try {
    return await prepareEngine(checkpointDir, engineOptions, { cacheDir, numThreads: availableParallelism() });
  } catch (error) {
    if (!(error instanceof ServingError && error.reason === 'tensor_parallel_degree')) throw error;
    report.notApplicable.push({ subject: `${checkpoint}, tp ${numRanks}`, reason: error.message });
    return undefined;
  }
}

/** Every sequence may leave its last page half empty. */
const pageSlack = 64;

function startDecoder(
  engine: CompiledEngine,
  { cases, processor }: DecoderSubject,
  { kernel, batchSizes }: VerifyOptions,
): Promise<LocalRankGroup> {
  const longest = Math.max(...cases.map(({ record }) => record.input_ids.length + record.greedy_tokens.length));
  const numLanes = Math.max(...batchSizes);
  return LocalRankGroup.create(engine.dir, {
    numThreads: availableParallelism(),
    kernel,
    numLanes,
    kvCapacityTokens: numLanes * (longest + pageSlack),
    maxStepTokens: numLanes * longest,
    numTokens: processor.tokenizer.numTokens,
  });
}

async function stageVisuals(
  decoder: LocalRankGroup,
  { name, record }: GoldenCase,
  embeds: readonly Float32Array[],
  { image, video }: SpecialTokenIds,
): Promise<StagedVisual[]> {
  const visuals: StagedVisual[] = [];
  let from = 0;
  for (const [i, data] of embeds.entries()) {
    const numTokens = data.length / decoder.description.hiddenSize;
    const key = embeddingKey(`${name}/${i}`);
    await decoder.stage({ embeddingKey: key, numTokens, data });
    const offset = record.input_ids.findIndex((id, index) => index >= from && (id === image || id === video));
    visuals.push({ embeddingKey: key, offset, length: numTokens });
    from = offset + numTokens;
  }
  return visuals;
}
