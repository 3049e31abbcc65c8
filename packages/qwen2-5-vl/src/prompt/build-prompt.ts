import { type MropePositions, ServingError } from '@tessera/domain';
import type { ModelConfig } from '../config/model-config.js';
import { createLiteralSplitter } from '../tokenizer/literal-splitter.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { MeasuredVisual } from '../visual/measured-visual.js';
import type { ChatTemplate } from './chat-template.js';
import { mropePositions, type PromptRun } from './mrope-positions.js';
import { type PromptMessage, templateMessages, textsOf, visualsOf } from './prompt-message.js';
import { createTextGuard } from './text-guard.js';

/** A visual and the index of its first placeholder in the prompt. */
export interface PlacedVisual extends MeasuredVisual {
  readonly offset: number;
}

/** What a conversation becomes for the decoder. */
export interface BuiltPrompt {
  /** The rendered template, one placeholder a visual. */
  readonly text: string;
  /** Placeholders expanded to one id a merged patch. */
  readonly tokenIds: Int32Array;
  /** In prompt order. */
  readonly visuals: readonly PlacedVisual[];
  readonly positions: MropePositions;
}

export interface PromptOptions {
  /** End with the opening of the assistant's turn; default true. */
  readonly addGenerationPrompt?: boolean;
  /** Number the pictures and videos in the text; default false. */
  readonly addVisionId?: boolean;
}

interface PromptParts {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
}

export type PromptBuilder = (messages: readonly PromptMessage[], options?: PromptOptions) => BuiltPrompt;

/**
 * Renders, tokenises and expands conversations. Only the template's own special tokens count as such: the text between
 * two of them, role line and content together, is tokenised as one plain string.
 */
export function createPromptBuilder({ config, tokenizer, template }: PromptParts): PromptBuilder {
  const split = createLiteralSplitter(tokenizer.specialTokens.keys());
  return (messages, { addGenerationPrompt = true, addVisionId = false } = {}) => {
    const guard = createTextGuard(tokenizer.specialTokens.keys(), textsOf(messages));
    const guarded = template.render(templateMessages(messages, guard.guard), { addGenerationPrompt, addVisionId });
    const expansion = new PromptExpansion(config, visualsOf(messages));
    for (const { text, isLiteral } of split(guarded)) {
      if (isLiteral) expansion.appendSpecial(tokenizer.specialTokens.get(text)!);
      else expansion.appendText(tokenizer.encodeText(guard.unguard(text)));
    }
    return { text: guard.unguard(guarded), ...expansion.finish() };
  };
}

/** A prompt as it grows from left to right. */
class PromptExpansion {
  readonly #config: ModelConfig;
  readonly #waiting: MeasuredVisual[];
  readonly #numExpected: number;
  readonly #ids: number[] = [];
  readonly #runs: PromptRun[] = [];
  readonly #placed: PlacedVisual[] = [];

  constructor(config: ModelConfig, visuals: readonly MeasuredVisual[]) {
    this.#config = config;
    this.#waiting = [...visuals];
    this.#numExpected = visuals.length;
  }

  appendText(ids: readonly number[]): void {
    for (const id of ids) this.#ids.push(id);
    this.#runs.push({ kind: 'text', length: ids.length });
  }

  appendSpecial(id: number): void {
    const { image, video } = this.#config.specialTokens;
    if (id === image) this.#appendVisual('image', id);
    else if (id === video) this.#appendVisual('video', id);
    else this.appendText([id]);
  }

  finish(): Pick<BuiltPrompt, 'tokenIds' | 'visuals' | 'positions'> {
    if (this.#waiting.length > 0) throw this.#mismatch(this.#placed.length);
    return {
      tokenIds: Int32Array.from(this.#ids),
      visuals: this.#placed,
      positions: mropePositions(this.#runs, this.#config.vision),
    };
  }

  /** The k-th placeholder of a kind is the k-th visual of that kind. */
  #appendVisual(kind: 'image' | 'video', placeholder: number): void {
    const next = this.#waiting.findIndex((visual) => visual.kind === kind);
    const [visual] = next < 0 ? [] : this.#waiting.splice(next, 1);
    if (visual === undefined) throw this.#mismatch(this.#placed.length + 1);
    this.#placed.push({ ...visual, offset: this.#ids.length });
    for (let i = 0; i < visual.numTokens; i++) this.#ids.push(placeholder);
    this.#runs.push({ kind, grid: visual.grid, secondPerGrid: visual.secondPerGrid });
  }

  #mismatch(numWritten: number): ServingError {
    return new ServingError(
      'checkpoint_invalid',
      `the chat template writes ${numWritten} placeholders for ${this.#numExpected} pictures and videos`,
    );
  }
}
