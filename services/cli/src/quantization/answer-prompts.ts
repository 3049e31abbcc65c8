import {
  type AdmittedSequence,
  type Chunk,
  type DecoderEngine,
  laneId,
  pageId,
  pagesFor,
  type SampledToken,
} from '@tessera/domain';
import { admittedPrompt } from './admitted-prompt.js';
import type { EvalPrompt } from './eval-prompts.js';

/** Greedy answers with decision margins, the stop token included, by prompt. */
export type Answers = ReadonlyMap<string, readonly SampledToken[]>;

export interface AnswerOptions {
  /** Prompts answered side by side. */
  readonly numLanes: number;
  /** Tokens of an answer at most. */
  readonly maxNewTokens: number;
  readonly stopTokenIds: readonly number[];
}

/**
 * Answers all prompts, which are staged already: a lane that is done takes the next prompt while the others go on.
 */
export async function answerPrompts(
  decoder: DecoderEngine,
  prompts: readonly EvalPrompt[],
  options: AnswerOptions,
): Promise<Answers> {
  const waiting = [...prompts];
  const answers = new Map<string, SampledToken[]>();
  const { numPages, pageLen } = decoder.description.kvLayout;
  const pagesPerLane = Math.floor(numPages / options.numLanes);
  const lanes = Array.from({ length: options.numLanes }, (_, i) => new EvalLane(i, pagesPerLane, pageLen, options));
  for (let stepId = 0; ; stepId++) {
    const released = lanes.filter((lane) => lane.release()).map(({ id }) => id);
    const admitted: AdmittedSequence[] = [];
    for (const lane of lanes) {
      const next = lane.isFree ? waiting.shift() : undefined;
      if (!next) continue;
      admitted.push(lane.admit(next));
      answers.set(next.id, lane.tokens);
    }
    const chunks = lanes.flatMap((lane) => lane.nextChunk() ?? []);
    const { outputs } = await decoder.step({ stepId, released, admitted, chunks, capture: { margins: true } });
    if (chunks.length === 0) break;
    for (const { lane, tokens } of outputs) lanes.find(({ id }) => id === lane)?.tokens.push(...tokens);
  }
  return answers;
}

class EvalLane {
  readonly id;
  readonly #firstPage: number;
  readonly #numPages: number;
  readonly #pageLen: number;
  readonly #options: AnswerOptions;
  #prompt: EvalPrompt | undefined;
  tokens: SampledToken[] = [];

  constructor(index: number, numPages: number, pageLen: number, options: AnswerOptions) {
    this.id = laneId(index);
    this.#firstPage = index * numPages;
    this.#numPages = numPages;
    this.#pageLen = pageLen;
    this.#options = options;
  }

  get isFree(): boolean {
    return this.#prompt === undefined;
  }

  /** Whether the sequence in the lane has ended just now. */
  release(): boolean {
    const { stopTokenIds, maxNewTokens } = this.#options;
    const last = this.tokens.at(-1);
    const hasEnded = last !== undefined && (stopTokenIds.includes(last.tokenId) || this.tokens.length === maxNewTokens);
    if (this.isFree || !hasEnded) return false;
    this.#prompt = undefined;
    return true;
  }

  admit(prompt: EvalPrompt): AdmittedSequence {
    this.#prompt = prompt;
    this.tokens = [];
    return admittedPrompt(prompt, this.id);
  }

  /** The whole prompt first, then a token a step. */
  nextChunk(): Chunk | undefined {
    if (!this.#prompt) return undefined;
    const { length } = this.#prompt.built.tokenIds;
    if (this.tokens.length > 0) return { lane: this.id, input: { kind: 'lastSampled' }, newPages: [], samples: true };
    const numPages = pagesFor(length + this.#options.maxNewTokens, this.#pageLen);
    if (numPages > this.#numPages) throw new Error(`${this.#prompt.id} needs ${numPages} pages.`);
    const newPages = Array.from({ length: numPages }, (_, i) => pageId(this.#firstPage + i));
    return { lane: this.id, input: { kind: 'known', numTokens: length }, newPages, samples: true };
  }
}
