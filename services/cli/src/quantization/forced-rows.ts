import { type CapturedChunk, type Chunk, type DecoderEngine, laneId, pageId, pagesFor } from '@tessera/domain';
import { admittedPrompt } from './admitted-prompt.js';
import type { EvalPrompt } from './eval-prompts.js';

/** A prompt whose answer is given, without its stop token. */
export interface ForcedPrompt extends EvalPrompt {
  readonly answer: readonly number[];
}

/** What one token of a sequence left in the decoder. */
export interface ForcedRow {
  readonly prompt: string;
  /** Index of the token in prompt and answer. */
  readonly token: number;
  /** Residual stream after each layer, [numLayers, hiddenSize]. */
  readonly layers: Float32Array;
  /** [vocabSize], of tokens from the prompt's last one on. */
  readonly logits?: Float32Array;
  /** The given token after one that has logits; undefined after the answer's last. */
  readonly nextToken?: number;
}

/** Of a prompt's tokens, the first one and every 32nd after it are seen; the others only fill the KV cache. */
const promptChunkLen = 32;

/**
 * Runs prompts and their answers, all tokens given, `numLanes` prompts side by side; their visuals are staged already.
 * The order of the rows depends on the prompts alone, and only one step's rows are in memory.
 */
export async function* forcedRows(
  decoder: DecoderEngine,
  prompts: readonly ForcedPrompt[],
  numLanes: number,
): AsyncGenerator<ForcedRow> {
  for (let first = 0; first < prompts.length; first += numLanes) {
    const lanes = prompts.slice(first, first + numLanes).map((prompt, i) => new ForcedLane(prompt, i));
    yield* forceTogether(decoder, lanes, numLanes);
  }
}

async function* forceTogether(
  decoder: DecoderEngine,
  lanes: readonly ForcedLane[],
  numLanes: number,
): AsyncGenerator<ForcedRow> {
  const { numPages, pageLen } = decoder.description.kvLayout;
  const admitted = lanes.map(({ prompt, id }) => admittedPrompt(prompt, id, prompt.answer));
  await decoder.step({ stepId: 0, released: [], admitted, chunks: [] });
  const phases = [
    { end: (lane: ForcedLane) => lane.firstAnswerRow, capture: { hidden: true } },
    { end: (lane: ForcedLane) => lane.numTokens, capture: { hidden: true, logits: 'all' } },
  ] as const;
  for (const { end, capture } of phases) {
    for (let active = lanes; ; ) {
      active = active.filter((lane) => lane.numComputed < end(lane));
      if (active.length === 0) break;
      const chunks = active.map((lane) => lane.nextChunk(Math.floor(numPages / numLanes), pageLen));
      const { captured = [] } = await decoder.step({ stepId: 0, released: [], admitted: [], chunks, capture });
      for (const [i, lane] of active.entries()) yield lane.row(captured[i]);
    }
  }
  await decoder.step({ stepId: 0, released: lanes.map(({ id }) => id), admitted: [], chunks: [] });
}

class ForcedLane {
  readonly id;
  readonly prompt: ForcedPrompt;
  readonly numTokens: number;
  /** Index of the prompt's last token, whose logits choose the answer's first. */
  readonly firstAnswerRow: number;
  readonly #index: number;
  numComputed = 0;

  constructor(prompt: ForcedPrompt, index: number) {
    this.id = laneId(index);
    this.prompt = prompt;
    this.#index = index;
    this.firstAnswerRow = prompt.built.tokenIds.length - 1;
    this.numTokens = prompt.built.tokenIds.length + prompt.answer.length;
  }

  /** One token, then the prompt's others but its last in chunks, then a token a step. */
  nextChunk(pagesPerLane: number, pageLen: number): Chunk {
    const numPromptTokens = this.firstAnswerRow - this.numComputed;
    const isFirst = this.numComputed === 0;
    const numTokens = isFirst || numPromptTokens <= 0 ? 1 : Math.min(promptChunkLen, numPromptTokens);
    this.numComputed += numTokens;
    const numPages = isFirst ? pagesFor(this.numTokens, pageLen) : 0;
    if (numPages > pagesPerLane) throw new Error(`${this.prompt.id} needs ${numPages} pages.`);
    const newPages = Array.from({ length: numPages }, (_, i) => pageId(this.#index * pagesPerLane + i));
    return { lane: this.id, input: { kind: 'known', numTokens }, newPages, samples: false };
  }

  row({ hiddenLayers, logits }: CapturedChunk): ForcedRow {
    const token = this.numComputed - 1;
    const nextToken = logits && this.prompt.answer[token - this.firstAnswerRow];
    return { prompt: this.prompt.id, token, layers: hiddenLayers as Float32Array, logits, nextToken };
  }
}
