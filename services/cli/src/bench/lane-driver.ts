import {
  type AdmittedSequence,
  type Chunk,
  type DecoderEngine,
  greedySampling,
  laneId,
  type PageId,
  pageId,
  type StepPlan,
  type StepResult,
  type StepTimes,
  sequenceId,
} from '@tessera/domain';
import { createRandom, LocalRankGroup } from '@tessera/engine';
import type { Workload } from './workload.js';
import { capacityFor, contextChunkLen, explainCapacity } from './workload-capacity.js';

/** A step as the engine timed it. */
export interface MeasuredStep {
  /** When it began, on the clock of `performance.now()`. */
  readonly startMs: number;
  readonly spent: StepTimes;
}

/**
 * Runs sequences of random tokens through a decoder. Contexts are computed, not pretended: pages never written to are all
 * the same page of the operating system, which reads faster than memory does.
 */
export class LaneDriver {
  readonly #decoder: DecoderEngine;
  readonly #signal: AbortSignal;
  readonly #random = createRandom(1);
  /** Lanes from 0 on that hold a sequence to decode; prompts that are measured take the last one. */
  #numFilled = 0;
  #stepId = 0;

  /** Every step after an abort of `signal` throws its reason. */
  constructor(decoder: DecoderEngine, signal: AbortSignal) {
    this.#decoder = decoder;
    this.#signal = signal;
  }

  /** A decoder with room for the workload, in this thread; throws `invalid_option` when there is none. */
  static async load(
    engineDir: string,
    vocabSize: number,
    workload: Workload,
    signal: AbortSignal,
  ): Promise<LaneDriver> {
    const { numThreads, kvDtype } = workload;
    const capacity = capacityFor(workload);
    const options = { ...capacity, numThreads, kernel: 'wasm', kvDtype, numTokens: vocabSize } as const;
    const decoder = await LocalRankGroup.create(engineDir, options).catch((cause: unknown) => {
      throw explainCapacity(cause, capacity);
    });
    return new LaneDriver(decoder, signal);
  }

  /** Prompts of `numTokens`, one step each, in the order they ran; one before them is not measured. */
  async prefill(numTokens: number, numRuns: number): Promise<MeasuredStep[]> {
    const lane = this.#decoder.description.numLanes - 1;
    const steps: MeasuredStep[] = [];
    for (let run = 0; run <= numRuns; run++) {
      const sequence = this.#createSequence(lane, numTokens);
      const step = await measured(() =>
        this.#step({ admitted: [sequence], chunks: [knownChunk(lane, numTokens, true)] }),
      );
      if (run > 0) steps.push(step);
      await this.#step({ released: [laneId(lane)] });
    }
    return steps;
  }

  /** Computes sequences of `contextLen` tokens in the lanes below `numLanes` that hold none. */
  async fillContexts(numLanes: number, contextLen: number): Promise<void> {
    for (; this.#numFilled < numLanes; this.#numFilled++) {
      const lane = this.#numFilled;
      for (let start = 0; start < contextLen; start += contextChunkLen) {
        const numTokens = Math.min(contextChunkLen, contextLen - start);
        const admitted = start === 0 ? [this.#createSequence(lane, contextLen)] : [];
        await this.#step({ admitted, chunks: [knownChunk(lane, numTokens, start + numTokens === contextLen)] });
      }
    }
  }

  /** Steps of one token a sequence behind `contextLen` positions and more, in the order they ran; one before is not measured. */
  async decode(batchSize: number, contextLen: number, numRuns: number): Promise<MeasuredStep[]> {
    await this.fillContexts(batchSize, contextLen);
    const chunks = Array.from({ length: batchSize }, (_, lane) => lastSampledChunk(lane));
    await this.#step({ chunks });
    const steps: MeasuredStep[] = [];
    for (let run = 0; run < numRuns; run++) steps.push(await measured(() => this.#step({ chunks })));
    return steps;
  }

  close(): Promise<void> {
    return this.#decoder.close();
  }

  #createSequence(lane: number, length: number): AdmittedSequence {
    const { kvLayout, vocabSize, numLanes } = this.#decoder.description;
    const ids = Int32Array.from({ length }, (_, i) => i);
    return {
      sequenceId: sequenceId(`bench ${this.#stepId}/${lane}`),
      lane: laneId(lane),
      tokenIds: ids.map(() => Math.floor(this.#random() * vocabSize)),
      numPromptTokens: length,
      positions: { temporal: ids, height: ids, width: ids, next: length },
      visuals: [],
      numCached: 0,
      pages: pagesOf(lane, Math.floor(kvLayout.numPages / numLanes)),
      sampling: greedySampling,
    };
  }

  async #step(plan: Partial<StepPlan>): Promise<StepResult> {
    this.#signal.throwIfAborted();
    return this.#decoder.step({ released: [], admitted: [], chunks: [], ...plan, stepId: this.#stepId++ });
  }
}

function knownChunk(lane: number, numTokens: number, samples: boolean): Chunk {
  return { lane: laneId(lane), input: { kind: 'known', numTokens }, newPages: [], samples };
}

function lastSampledChunk(lane: number): Chunk {
  return { lane: laneId(lane), input: { kind: 'lastSampled' }, newPages: [], samples: true };
}

/** The step in the middle by time; of two, the longer one. */
export function medianStep<Step extends { readonly spent: { readonly totalMs: number } }>(
  steps: readonly Step[],
): Step {
  const sorted = steps.toSorted((a, b) => a.spent.totalMs - b.spent.totalMs);
  return sorted[Math.floor(sorted.length / 2)];
}

async function measured(step: () => Promise<StepResult>): Promise<MeasuredStep> {
  const startMs = performance.now();
  const { spent } = await step();
  return { startMs, spent };
}

function pagesOf(lane: number, numPages: number): PageId[] {
  return Array.from({ length: numPages }, (_, i) => pageId(lane * numPages + i));
}
