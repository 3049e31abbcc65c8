import {
  type AdmittedSequence,
  type CapturedChunk,
  type Chunk,
  type DecoderEngine,
  greedySampling,
  type LaneId,
  laneId,
  type PageId,
  pageId,
  pagesFor,
  type SampledToken,
  type StagedVisual,
  type StepCapture,
  type StepPlan,
  sequenceId,
} from '@tessera/domain';
import type { GoldenRecord } from './golden-folder.js';

/** A case in a lane, and what has come out of it. */
export interface LaneRun {
  readonly name: string;
  readonly record: GoldenRecord;
  readonly visuals: readonly StagedVisual[];
  /** One per chunk that was computed. */
  readonly captured: CapturedChunk[];
  readonly sampled: SampledToken[];
}

export interface DriveOptions {
  /** Prompt tokens a sequence computes in one step. */
  readonly chunkLen: number;
  /** Tokens after the prompt: the reference's own, or what the model samples. */
  readonly decode: 'forced' | 'sampled';
  readonly capture: StepCapture;
}

/**
 * Runs cases together, one a lane, through prompt and answer: each lane goes on with its own prompt chunks and tokens,
 * so that lanes prefill and decode side by side.
 */
export async function driveLanes(
  decoder: DecoderEngine,
  runs: readonly LaneRun[],
  options: DriveOptions,
): Promise<void> {
  const { pageLen, numPages } = decoder.description.kvLayout;
  const pages = scatteredPages(numPages);
  const lanes = runs.map((run, i) => new DrivenLane(run, laneId(i), pages, pageLen, options));
  for (let stepId = 0; lanes.some((lane) => !lane.isDone); stepId++) {
    const active = lanes.filter((lane) => !lane.isDone);
    const plan: StepPlan = {
      stepId,
      released: [],
      admitted: active.flatMap((lane) => lane.admission() ?? []),
      chunks: active.map((lane) => lane.nextChunk()),
      capture: options.capture,
    };
    const result = await decoder.step(plan);
    for (const lane of active) lane.take(result.captured ?? [], result.outputs);
  }
  const released = lanes.map(({ id }) => id);
  await decoder.step({ stepId: -1, released, admitted: [], chunks: [] });
}

/** Page ids in an order in which no sequence gets neighbours, so that paging is really used. */
function scatteredPages(numPages: number): PageId[] {
  const stride = 7;
  return Array.from({ length: stride }, (_, offset) => offset).flatMap((offset) =>
    Array.from({ length: Math.ceil((numPages - offset) / stride) }, (_, i) => pageId(offset + i * stride)),
  );
}

class DrivenLane {
  readonly id: LaneId;
  readonly #run: LaneRun;
  readonly #options: DriveOptions;
  readonly #pages: readonly PageId[];
  #isAdmitted = false;
  #numPrompt = 0;
  #numDecoded = 0;

  constructor(run: LaneRun, id: LaneId, pool: PageId[], pageLen: number, options: DriveOptions) {
    this.id = id;
    this.#run = run;
    this.#options = options;
    const numTokens = run.record.input_ids.length + run.record.greedy_tokens.length;
    this.#pages = pool.splice(0, pagesFor(numTokens, pageLen));
  }

  get #isPrefilled(): boolean {
    return this.#numPrompt === this.#run.record.input_ids.length;
  }

  /** The last token of an answer is never computed. */
  get isDone(): boolean {
    return this.#isPrefilled && this.#numDecoded === this.#run.record.greedy_tokens.length - 1;
  }

  admission(): AdmittedSequence | undefined {
    if (this.#isAdmitted) return undefined;
    const { record, name, visuals } = this.#run;
    const [temporal, height, width] = record.position_ids.map((ids) => Int32Array.from(ids));
    return {
      sequenceId: sequenceId(name),
      lane: this.id,
      tokenIds: Int32Array.from(record.input_ids),
      numPromptTokens: record.input_ids.length,
      positions: { temporal, height, width, next: record.next_position },
      visuals,
      numCached: 0,
      pages: [],
      sampling: greedySampling,
    };
  }

  nextChunk(): Chunk {
    const newPages = this.#isAdmitted ? [] : this.#pages;
    const isSampling = this.#options.decode === 'sampled';
    this.#isAdmitted = true;
    const { record } = this.#run;
    if (!this.#isPrefilled) {
      const numTokens = Math.min(this.#options.chunkLen, record.input_ids.length - this.#numPrompt);
      this.#numPrompt += numTokens;
      const samples = isSampling && this.#isPrefilled;
      return { lane: this.id, input: { kind: 'known', numTokens }, newPages, samples };
    }
    const tokenIds = [record.greedy_tokens[this.#numDecoded++]];
    const input: Chunk['input'] = isSampling ? { kind: 'lastSampled' } : { kind: 'explicit', tokenIds };
    return { lane: this.id, input, newPages, samples: isSampling };
  }

  take(
    captured: readonly CapturedChunk[],
    outputs: readonly { lane: LaneId; tokens: readonly SampledToken[] }[],
  ): void {
    this.#run.captured.push(...captured.filter(({ lane }) => lane === this.id));
    for (const output of outputs) if (output.lane === this.id) this.#run.sampled.push(...output.tokens);
  }
}
