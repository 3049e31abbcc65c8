import type { SampledToken } from '@tessera/domain';
import type { StreamDecoder, Tokenizer } from '@tessera/qwen2-5-vl';
import { type LogprobContent, toLogprobContent } from './logprob-content.js';
import { StopMatcher } from './stop-matcher.js';

/** The next piece of an answer; either part may be empty. */
export interface AnswerDelta {
  readonly text: string;
  readonly logprobs: readonly LogprobContent[];
}

export interface AnswerOptions {
  readonly stopStrings: readonly string[];
  readonly stopTokenIds: readonly number[];
  /** Stop strings count from this many tokens on. */
  readonly minTokens: number;
  readonly skipSpecialTokens: boolean;
}

/** A token's score, waiting until the characters `start` … `end` of the answer that are its own may be shown. */
interface PendingScore {
  readonly content: LogprobContent;
  readonly start: number;
  readonly end: number;
}

/** Turns sampled tokens into the text that the client sees: whole characters, without stop tokens, up to a stop string. */
export class AnswerAssembler {
  readonly #decoder: StreamDecoder;
  readonly #matcher: StopMatcher;
  #pending: PendingScore[] = [];
  #numDecoded = 0;
  #numShown = 0;
  #numTokens = 0;
  #isStopped = false;

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly options: AnswerOptions,
  ) {
    this.#decoder = tokenizer.createStreamDecoder({ skipSpecialTokens: options.skipSpecialTokens });
    this.#matcher = new StopMatcher(options.stopStrings);
  }

  /** Whether a stop string was found: the answer ended there, and later tokens are not part of it. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Tokens taken, the stop token included. */
  get numTokens(): number {
    return this.#numTokens;
  }

  /** Takes the next tokens, each once and in order. */
  push(tokens: readonly SampledToken[]): AnswerDelta {
    let text = '';
    for (const token of tokens) {
      if (this.#isStopped) break;
      text += this.#take(token);
    }
    return { text, logprobs: this.#releaseScores() };
  }

  /** The rest, when no more tokens come. */
  finish(): AnswerDelta {
    if (this.#isStopped) return { text: '', logprobs: [] };
    const { text, isStopped } = this.#matcher.push(this.#decoder.flush());
    this.#isStopped = isStopped;
    const rest = isStopped ? text : text + this.#matcher.flush();
    this.#numShown += rest.length;
    return { text: rest, logprobs: this.#releaseScores() };
  }

  #take(token: SampledToken): string {
    this.#numTokens++;
    if (this.options.stopTokenIds.includes(token.tokenId)) return '';
    const decoded = this.#decoder.push(token.tokenId);
    const content = toLogprobContent(token, this.tokenizer);
    const start = this.#numDecoded;
    this.#numDecoded += decoded.length;
    if (content !== undefined) this.#pending.push({ content, start, end: this.#numDecoded });
    return this.#show(decoded);
  }

  #show(decoded: string): string {
    const mayStop = this.#numTokens > this.options.minTokens;
    const { text, isStopped } = mayStop ? this.#matcher.push(decoded) : { text: decoded, isStopped: false };
    this.#isStopped = isStopped;
    this.#numShown += text.length;
    return text;
  }

  #releaseScores(): LogprobContent[] {
    const isShown = ({ start, end }: PendingScore) =>
      start < this.#numShown || (!this.#isStopped && end <= this.#numShown);
    const numReady = this.#pending.findIndex((score) => !isShown(score));
    return this.#pending.splice(0, numReady === -1 ? this.#pending.length : numReady).map(({ content }) => content);
  }
}
