import type { StepTimes } from '@tessera/domain';
import { CpuEncoder } from '@tessera/engine';
import type { CompiledEngine } from '@tessera/onnx-graph';
import type { ModelConfig } from '@tessera/qwen2-5-vl';
import { LaneDriver, type MeasuredStep, medianStep } from './lane-driver.js';
import { noisePicture } from './noise-picture.js';
import { type MemoryUse, readMemory } from './read-memory.js';
import type { Workload } from './workload.js';

/** Milliseconds of each run, ascending. */
export type Timings = readonly number[];

export interface DecodeFigure {
  readonly batchSize: number;
  readonly stepMs: Timings;
  /** Parts of the median step. */
  readonly parts: StepTimes;
}

export interface BenchResult {
  readonly loadDecoderMs: number;
  readonly loadEncoderMs: number;
  readonly prefill: readonly { readonly numTokens: number; readonly ms: Timings }[];
  readonly decode: readonly DecodeFigure[];
  readonly encode: readonly { readonly side: number; readonly numTokens: number; readonly ms: Timings }[];
  readonly memory: MemoryUse;
}

export const median = (timings: Timings): number => timings[Math.floor(timings.length / 2)];

/** Measures one rank in this process. */
export async function benchEngine(
  { dir }: CompiledEngine,
  config: ModelConfig,
  workload: Workload,
  onProgress: (what: string) => void,
): Promise<BenchResult> {
  const { numThreads, contextLen, numRuns } = workload;
  onProgress('loading the decoder');
  const [driver, loadDecoderMs] = await timed(() => LaneDriver.load(dir, config.text.vocabSize, workload));
  const prefill = [];
  for (const numTokens of workload.prefillLens) {
    onProgress(`prefill of ${numTokens} tokens`);
    prefill.push({ numTokens, ms: timingsOf(await driver.prefill(numTokens, numRuns)) });
  }
  const decode = [];
  for (const batchSize of workload.batchSizes) {
    onProgress(`computing ${batchSize} contexts of ${contextLen} tokens`);
    await driver.fillContexts(batchSize, contextLen);
    onProgress(`decode of ${batchSize} sequences`);
    const steps = await driver.decode(batchSize, contextLen, numRuns);
    decode.push({ batchSize, stepMs: timingsOf(steps), parts: medianStep(steps).spent });
  }
  onProgress('loading the tower');
  const [encoder, loadEncoderMs] = await timed(() => CpuEncoder.create(dir, { numThreads }));
  const encode = [];
  for (const side of workload.imageSides) {
    onProgress(`encoding ${side} × ${side} pixels`);
    encode.push(await encodePictures(encoder, config, side, numRuns));
  }
  const memory = await readMemory();
  await encoder.close();
  await driver.close();
  return { loadDecoderMs, loadEncoderMs, prefill, decode, encode, memory };
}

function timingsOf(steps: readonly MeasuredStep[]): Timings {
  return steps.map(({ spent }) => spent.totalMs).sort((a, b) => a - b);
}

async function timed<Value>(work: () => Promise<Value>): Promise<[Value, number]> {
  const startMs = performance.now();
  return [await work(), performance.now() - startMs];
}

async function encodePictures(encoder: CpuEncoder, { vision }: ModelConfig, side: number, numRuns: number) {
  const picture = noisePicture(vision, side);
  const timings: number[] = [];
  for (let run = 0; run <= numRuns; run++) {
    const [, ms] = await timed(() => encoder.encode([picture]));
    if (run > 0) timings.push(ms);
  }
  const numTokens = (picture.grid.h * picture.grid.w) / vision.spatialMergeSize ** 2;
  return { side, numTokens, ms: timings.sort((a, b) => a - b) };
}
