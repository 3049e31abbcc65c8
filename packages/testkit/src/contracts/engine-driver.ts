import {
  type AdmittedSequence,
  type Chunk,
  type DecoderEngine,
  type LaneId,
  laneId,
  type PageId,
  pageId,
  pagesFor,
  type SampledToken,
  type StepPlan,
  type StepResult,
} from '@tessera/domain';
import { createAdmittedSequence, createStepPlan, decodeChunk, knownChunk } from '../factories/create-step-plan.js';
import { SeededRandom } from '../seeded-random.js';

/** A sequence to run to its end. */
export interface DrivenSequence {
  readonly admitted: Partial<AdmittedSequence>;
  /** Tokens to sample. */
  readonly numTokens: number;
  /** Known tokens a step at most; default all that the step has room for. */
  readonly chunkLen?: number;
}

export interface DrivenOutput {
  readonly tokens: readonly SampledToken[];
  /** Raw logits [vocabSize] that each token was chosen from. */
  readonly logits: readonly Float32Array[];
}

interface Drive {
  readonly sequence: DrivenSequence;
  readonly admitted: AdmittedSequence;
  readonly pages: readonly PageId[];
  readonly tokens: SampledToken[];
  readonly logits: Float32Array[];
  numComputed: number;
}

/** Runs an engine step by step as a test says, on scattered pages, and keeps the step ids. */
export class EngineDriver {
  readonly engine: DecoderEngine;
  readonly #freePages: PageId[];
  #numSteps = 0;

  constructor(engine: DecoderEngine) {
    this.engine = engine;
    const pages = Array.from({ length: engine.description.kvLayout.numPages }, (_, i) => pageId(i));
    this.#freePages = new SeededRandom(1).shuffle(pages);
  }

  step(plan: Omit<Partial<StepPlan>, 'stepId'>): Promise<StepResult> {
    return this.engine.step(createStepPlan({ ...plan, stepId: this.#numSteps++ }));
  }

  /** Pages for that many positions. */
  takePages(numTokens: number): PageId[] {
    return this.#freePages.splice(0, pagesFor(numTokens, this.engine.description.kvLayout.pageLen));
  }

  /** Runs all sequences side by side, in lanes 0, 1, …, then releases them. */
  async run(...sequences: readonly DrivenSequence[]): Promise<DrivenOutput[]> {
    const drives = sequences.map((sequence, i) => this.#createDrive(sequence, laneId(i)));
    for (let unfinished = drives; unfinished.length > 0; unfinished = drives.filter(isUnfinished)) {
      await this.#stepAll(unfinished);
    }
    await this.step({ released: drives.map(({ admitted }) => admitted.lane) });
    for (const { pages, admitted } of drives) this.#freePages.push(...pages.slice(admitted.pages.length));
    return drives.map(({ tokens, logits }) => ({ tokens, logits }));
  }

  #createDrive(sequence: DrivenSequence, lane: LaneId): Drive {
    const admitted = createAdmittedSequence({ ...sequence.admitted, lane });
    const numNew = admitted.tokenIds.length + sequence.numTokens;
    const pages = [...admitted.pages, ...this.takePages(numNew).slice(admitted.pages.length)];
    return { sequence, admitted, pages, tokens: [], logits: [], numComputed: admitted.numCached };
  }

  async #stepAll(drives: readonly Drive[]): Promise<void> {
    let budget = this.engine.description.maxStepTokens;
    const planned = drives.flatMap((drive) => {
      const numTokens = Math.min(drive.sequence.chunkLen ?? budget, numUncomputed(drive), budget);
      budget -= numTokens;
      return numTokens > 0 ? [{ drive, numTokens, chunk: chunkOf(drive, numTokens) }] : [];
    });
    const admitted = planned.flatMap(({ drive }) => (isNew(drive) ? [drive.admitted] : []));
    const chunks = planned.map(({ chunk }) => chunk);
    const result = await this.step({ admitted, chunks, capture: { logits: 'sampled', margins: true } });
    for (const [i, { drive, numTokens }] of planned.entries()) {
      drive.numComputed += numTokens;
      const output = result.outputs.find(({ lane }) => lane === drive.admitted.lane);
      if (!output) continue;
      drive.tokens.push(...output.tokens);
      drive.logits.push(result.captured?.[i].logits as Float32Array);
    }
  }
}

const isUnfinished = ({ tokens, sequence }: Drive): boolean => tokens.length < sequence.numTokens;

const isNew = ({ numComputed, admitted }: Drive): boolean => numComputed === admitted.numCached;

const numUncomputed = ({ admitted, tokens, numComputed }: Drive): number =>
  admitted.tokenIds.length + tokens.length - numComputed;

function chunkOf(drive: Drive, numTokens: number): Chunk {
  const { lane, pages } = drive.admitted;
  const newPages = isNew(drive) ? drive.pages.slice(pages.length) : [];
  if (drive.tokens.length > 0) return decodeChunk(lane);
  return knownChunk(lane, numTokens, { newPages, samples: numTokens === numUncomputed(drive) });
}
