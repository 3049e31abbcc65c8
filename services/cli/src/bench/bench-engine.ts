import type { StepTimes } from '@tessera/domain';
import { CpuEncoder } from '@tessera/engine';
import type { CompiledEngine } from '@tessera/onnx-graph';
import type { ModelConfig } from '@tessera/qwen2-5-vl';
import { closingAfter } from './closing-after.js';
import { encodeOften } from './encode-often.js';
import { LaneDriver, medianStep } from './lane-driver.js';
import type { MeasureHooks, OnProgress } from './measure-hooks.js';
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

/** Measures one rank in this process. Rejects with the reason of `signal`, with nothing left open. */
export async function benchEngine(
  { dir }: CompiledEngine,
  config: ModelConfig,
  workload: Workload,
  { signal, onProgress }: MeasureHooks,
): Promise<BenchResult> {
  onProgress('loading the decoder');
  const [driver, loadDecoderMs] = await timed(() => LaneDriver.load(dir, config.text.vocabSize, workload, signal));
  return closingAfter(driver, async () => {
    const prefill = await benchPrefill(driver, workload, onProgress);
    const decode = await benchDecode(driver, workload, onProgress);
    onProgress('loading the tower');
    const { numThreads } = workload;
    const [encoder, loadEncoderMs] = await timed(() => CpuEncoder.create(dir, { numThreads }));
    return closingAfter(encoder, async () => {
      const encode = [];
      for (const side of workload.imageSides) {
        onProgress(`encoding ${side} × ${side} pixels`);
        const steps = await encodeOften(encoder, config.vision, { side, numRuns: workload.numRuns, signal });
        encode.push({ side, numTokens: numTokensOf(config, side), ms: timingsOf(steps) });
      }
      return { loadDecoderMs, loadEncoderMs, prefill, decode, encode, memory: await readMemory() };
    });
  });
}

async function benchPrefill(driver: LaneDriver, { prefillLens, numRuns }: Workload, onProgress: OnProgress) {
  const figures = [];
  for (const numTokens of prefillLens) {
    onProgress(`prefill of ${numTokens} tokens`);
    figures.push({ numTokens, ms: timingsOf(await driver.prefill(numTokens, numRuns)) });
  }
  return figures;
}

async function benchDecode(driver: LaneDriver, { batchSizes, contextLen, numRuns }: Workload, onProgress: OnProgress) {
  const figures: DecodeFigure[] = [];
  for (const batchSize of batchSizes) {
    onProgress(`computing ${batchSize} contexts of ${contextLen} tokens`);
    await driver.fillContexts(batchSize, contextLen);
    onProgress(`decode of ${batchSize} sequences`);
    const steps = await driver.decode(batchSize, contextLen, numRuns);
    figures.push({ batchSize, stepMs: timingsOf(steps), parts: medianStep(steps).spent });
  }
  return figures;
}

function timingsOf(steps: readonly { readonly spent: { readonly totalMs: number } }[]): Timings {
  return steps.map(({ spent }) => spent.totalMs).sort((a, b) => a - b);
}

async function timed<Value>(work: () => Promise<Value>): Promise<[Value, number]> {
  const startMs = performance.now();
  return [await work(), performance.now() - startMs];
}

function numTokensOf({ vision }: ModelConfig, side: number): number {
  return Math.floor(side / vision.patchSize) ** 2 / vision.spatialMergeSize ** 2;
}
