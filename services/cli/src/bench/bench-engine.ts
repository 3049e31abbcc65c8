import { greedySampling, laneId, type PageId, pageId, pagesFor, type StepTimes, sequenceId } from '@tessera/domain';
import { CpuEncoder, createRandom, LocalRankGroup } from '@tessera/engine';
import type { CompiledEngine } from '@tessera/onnx-graph';
import type { ModelConfig } from '@tessera/qwen2-5-vl';
import { type MemoryUse, readMemory } from './read-memory.js';

export interface BenchOptions {
  readonly numThreads: number;
  readonly kvDtype: 'float32' | 'int8';
  /** Positions before each decoded token. */
  readonly contextLen: number;
  readonly prefillLens: readonly number[];
  readonly batchSizes: readonly number[];
  readonly imageSides: readonly number[];
  /** Measured runs of each figure, after one that is not. */
  readonly numRuns: number;
  readonly onProgress: (what: string) => void;
}

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

/** Measures one rank in this process; contexts hold zeros, which take as long as anything else. */
export async function benchEngine(
  { dir }: CompiledEngine,
  config: ModelConfig,
  options: BenchOptions,
): Promise<BenchResult> {
  const { numThreads, contextLen, onProgress } = options;
  const numLanes = Math.max(...options.batchSizes);
  const longest = Math.max(contextLen + options.numRuns + 2, ...options.prefillLens);
  onProgress('loading the decoder');
  const [decoder, loadDecoderMs] = await timed(() =>
    LocalRankGroup.create(dir, {
      numThreads,
      kernel: 'wasm',
      kvDtype: options.kvDtype,
      numLanes,
      kvCapacityTokens: numLanes * pagesFor(longest, 16) * 16,
      maxStepTokens: Math.max(numLanes, ...options.prefillLens),
      numTokens: config.text.vocabSize,
    }),
  );
  const runs = new LaneDriver(decoder);
  const prefill = [];
  for (const numTokens of options.prefillLens) {
    onProgress(`prefill of ${numTokens} tokens`);
    prefill.push({ numTokens, ms: await runs.prefill(numTokens, options.numRuns) });
  }
  const decode = [];
  for (const batchSize of options.batchSizes) {
    onProgress(`decode of ${batchSize} sequences`);
    decode.push(await runs.decode(batchSize, contextLen, options.numRuns));
  }
  onProgress('loading the tower');
  const [encoder, loadEncoderMs] = await timed(() => CpuEncoder.create(dir, { numThreads }));
  const encode = [];
  for (const side of options.imageSides) {
    onProgress(`encoding ${side} × ${side} pixels`);
    encode.push(await encodePictures(encoder, config, side, options.numRuns));
  }
  const memory = await readMemory();
  await encoder.close();
  await decoder.close();
  return { loadDecoderMs, loadEncoderMs, prefill, decode, encode, memory };
}

async function timed<Value>(work: () => Promise<Value>): Promise<[Value, number]> {
  const startMs = performance.now();
  return [await work(), performance.now() - startMs];
}

/** Runs sequences of random tokens through a decoder. */
class LaneDriver {
  readonly #decoder: LocalRankGroup;
  readonly #random = createRandom(1);
  #stepId = 0;

  constructor(decoder: LocalRankGroup) {
    this.#decoder = decoder;
  }

  async prefill(numTokens: number, numRuns: number): Promise<Timings> {
    const timings: number[] = [];
    for (let run = 0; run <= numRuns; run++) {
      const { spent } = await this.#step([0], numTokens, 0);
      if (run > 0) timings.push(spent.totalMs);
      await this.#release([0]);
    }
    return timings.sort((a, b) => a - b);
  }

  async decode(batchSize: number, contextLen: number, numRuns: number): Promise<DecodeFigure> {
    const lanes = Array.from({ length: batchSize }, (_, lane) => lane);
    await this.#step(lanes, contextLen + 1, contextLen);
    const steps: StepTimes[] = [];
    for (let run = 0; run < numRuns; run++) steps.push((await this.#decodeOnce(lanes)).spent);
    await this.#release(lanes);
    steps.sort((a, b) => a.totalMs - b.totalMs);
    return { batchSize, stepMs: steps.map(({ totalMs }) => totalMs), parts: steps[Math.floor(numRuns / 2)] };
  }

  /** Admits a sequence of `length` tokens to each lane, all but `length − numCached` of them as if computed before. */
  #step(lanes: readonly number[], length: number, numCached: number) {
    const { kvLayout, vocabSize } = this.#decoder.description;
    const numPages = Math.floor(kvLayout.numPages / this.#decoder.description.numLanes);
    const admitted = lanes.map((lane) => {
      const ids = Int32Array.from({ length }, (_, i) => i);
      return {
        sequenceId: sequenceId(`bench ${this.#stepId}/${lane}`),
        lane: laneId(lane),
        tokenIds: ids.map(() => Math.floor(this.#random() * vocabSize)),
        numPromptTokens: length,
        positions: { temporal: ids, height: ids, width: ids, next: length },
        visuals: [],
        numCached,
        pages: pagesOf(lane, numPages),
        sampling: greedySampling,
      };
    });
    const input = { kind: 'known', numTokens: length - numCached } as const;
    const chunks = lanes.map((lane) => ({ lane: laneId(lane), input, newPages: [], samples: true }));
    return this.#decoder.step({ stepId: this.#stepId++, released: [], admitted, chunks });
  }

  #decodeOnce(lanes: readonly number[]) {
    const input = { kind: 'lastSampled' } as const;
    const chunks = lanes.map((lane) => ({ lane: laneId(lane), input, newPages: [], samples: true }));
    return this.#decoder.step({ stepId: this.#stepId++, released: [], admitted: [], chunks });
  }

  #release(lanes: readonly number[]) {
    return this.#decoder.step({ stepId: this.#stepId++, released: lanes.map(laneId), admitted: [], chunks: [] });
  }
}

function pagesOf(lane: number, numPages: number): PageId[] {
  return Array.from({ length: numPages }, (_, i) => pageId(lane * numPages + i));
}

async function encodePictures(encoder: CpuEncoder, { vision }: ModelConfig, side: number, numRuns: number) {
  const sidePatches = Math.floor(side / vision.patchSize);
  const grid = { t: 1, h: sidePatches, w: sidePatches };
  const random = createRandom(side);
  const frames = Uint8Array.from({ length: side * side * 3 }, () => Math.floor(random() * 256));
  const timings: number[] = [];
  for (let run = 0; run <= numRuns; run++) {
    const [, ms] = await timed(() => encoder.encode([{ grid, numFrames: 1, height: side, width: side, frames }]));
    if (run > 0) timings.push(ms);
  }
  const numTokens = sidePatches ** 2 / vision.spatialMergeSize ** 2;
  return { side, numTokens, ms: timings.sort((a, b) => a - b) };
}
