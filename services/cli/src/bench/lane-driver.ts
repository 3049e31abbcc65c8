import {
  type DecoderEngine,
  greedySampling,
  laneId,
  type PageId,
  pageId,
  pagesFor,
  type StepTimes,
  sequenceId,
} from '@tessera/domain';
import { createRandom, LocalRankGroup } from '@tessera/engine';
import type { Workload } from './workload.js';

/** A step as the engine timed it. */
export interface MeasuredStep {
  /** When it began, on the clock of `performance.now()`. */
  readonly startMs: number;
  readonly spent: StepTimes;
}

/** Runs sequences of random tokens through a decoder; contexts hold zeros, which take as long as anything else. */
export class LaneDriver {
  readonly #decoder: DecoderEngine;
  readonly #random = createRandom(1);
  #stepId = 0;

  constructor(decoder: DecoderEngine) {
    this.#decoder = decoder;
  }

  /** A decoder with room for the workload, in this thread. */
  static async load(engineDir: string, vocabSize: number, workload: Workload): Promise<LaneDriver> {
    const { numThreads, kvDtype, contextLen, prefillLens, batchSizes, numRuns } = workload;
    const numLanes = Math.max(...batchSizes);
    const longest = Math.max(contextLen + numRuns + 2, ...prefillLens);
    const decoder = await LocalRankGroup.create(engineDir, {
      numThreads,
      kernel: 'wasm',
      kvDtype,
      numLanes,
      kvCapacityTokens: numLanes * pagesFor(longest, 16) * 16,
      maxStepTokens: Math.max(numLanes, ...prefillLens),
      numTokens: vocabSize,
    });
    return new LaneDriver(decoder);
  }

  /** Prompts of `numTokens`, one step each, in the order they ran; one before them is not measured. */
  async prefill(numTokens: number, numRuns: number): Promise<MeasuredStep[]> {
    const steps: MeasuredStep[] = [];
    for (let run = 0; run <= numRuns; run++) {
      const step = await measured(() => this.#admit([0], numTokens, 0));
      if (run > 0) steps.push(step);
      await this.#release([0]);
    }
    return steps;
  }

  /** Steps of one token a sequence after `contextLen` positions, in the order they ran; one before is not measured. */
  async decode(batchSize: number, contextLen: number, numRuns: number): Promise<MeasuredStep[]> {
    const lanes = Array.from({ length: batchSize }, (_, lane) => lane);
    await this.#admit(lanes, contextLen + 1, contextLen);
    const steps: MeasuredStep[] = [];
    for (let run = 0; run < numRuns; run++) steps.push(await measured(() => this.#decodeOnce(lanes)));
    await this.#release(lanes);
    return steps;
  }

  close(): Promise<void> {
    return this.#decoder.close();
  }

  /** Admits a sequence of `length` tokens to each lane, all but `length − numCached` of them as if computed before. */
  #admit(lanes: readonly number[], length: number, numCached: number) {
    const { kvLayout, vocabSize, numLanes } = this.#decoder.description;
    const numPages = Math.floor(kvLayout.numPages / numLanes);
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

/** The step in the middle by time; of two, the longer one. */
export function medianStep<Step extends { readonly spent: { readonly totalMs: number } }>(
  steps: readonly Step[],
): Step {
  const sorted = steps.toSorted((a, b) => a.spent.totalMs - b.spent.totalMs);
  return sorted[Math.floor(sorted.length / 2)];
}

async function measured(step: () => Promise<{ readonly spent: StepTimes }>): Promise<MeasuredStep> {
  const startMs = performance.now();
  const { spent } = await step();
  return { startMs, spent };
}

function pagesOf(lane: number, numPages: number): PageId[] {
  return Array.from({ length: numPages }, (_, i) => pageId(lane * numPages + i));
}
