import { vi } from 'vitest';
import type { ApiClient } from '../../support/api-client.js';

/** What came of a streamed answer. */
export interface StreamedAnswer {
  readonly text: string;
  readonly finishReason: string | undefined;
  /** The error that it broke off with. */
  readonly error: string | undefined;
  readonly numCachedTokens: number | undefined;
}

interface Followed {
  text: string;
  finishReason: string | undefined;
  error: string | undefined;
  numCachedTokens: number | undefined;
  numPieces: number;
  lastAtMs: number;
  longestPauseMs: number;
  hasEnded: boolean;
}

/** Answers that are being streamed, side by side, while something happens to the server. */
export class FollowedStreams {
  readonly #streams: readonly Followed[];
  readonly #ended: Promise<unknown>;

  /** Asks for all of them at once. */
  constructor(api: ApiClient, bodies: readonly object[]) {
    this.#streams = bodies.map(() => ({
      text: '',
      finishReason: undefined,
      error: undefined,
      numCachedTokens: undefined,
      numPieces: 0,
      lastAtMs: performance.now(),
      longestPauseMs: 0,
      hasEnded: false,
    }));
    this.#ended = Promise.all(bodies.map((body, i) => follow(api, body, this.#streams[i]!)));
  }

  /** Resolves when every answer has begun and comes piece by piece; rejects when one ends before. */
  async begun(numPieces = 5): Promise<void> {
    const haveAll = () => {
      const early = this.#streams.find((stream) => stream.hasEnded);
      if (early) throw new Error(`A stream ended before it was disturbed: ${early.error ?? early.text}`);
      return this.#streams.every((stream) => stream.numPieces >= numPieces);
    };
    await vi.waitUntil(haveAll, { interval: 5, timeout: 60_000 });
  }

  /** Resolves when the first answer comes piece by piece, or has come. */
  async begunOne(numPieces = 5): Promise<void> {
    const hasOne = () => this.#streams.some((stream) => stream.numPieces >= numPieces || stream.hasEnded);
    await vi.waitUntil(hasOne, { interval: 5, timeout: 60_000 });
  }

  /** What came of each, in the order of the questions. */
  async answers(): Promise<StreamedAnswer[]> {
    await this.#ended;
    return this.#streams.map(({ text, finishReason, error, numCachedTokens }) => ({
      text,
      finishReason,
      error,
      numCachedTokens,
    }));
  }

  /** The texts of answers that all came to their ends; throws for one that did not. */
  async texts(): Promise<string[]> {
    const answers = await this.answers();
    for (const { error, text } of answers) if (error !== undefined) throw new Error(`${error} after "${text}"`);
    return answers.map(({ text }) => text);
  }

  /** Of all streams, the longest time between two pieces. */
  get longestPauseMs(): number {
    return Math.round(Math.max(...this.#streams.map((stream) => stream.longestPauseMs)));
  }
}

async function follow(api: ApiClient, body: object, stream: Followed): Promise<void> {
  try {
    for await (const event of api.stream({ ...body, stream_options: { include_usage: true } })) take(event, stream);
    if (stream.finishReason === undefined) stream.error ??= 'the stream broke off';
  } catch (error) {
    stream.error ??= String(error);
  } finally {
    stream.hasEnded = true;
  }
}

function take(event: string, stream: Followed): void {
  if (event === '[DONE]') return;
  const { error, choices, usage } = JSON.parse(event);
  if (error) stream.error = `${error.code}: ${error.message}`;
  if (usage) stream.numCachedTokens = usage.prompt_tokens_details.cached_tokens;
  const [choice] = choices ?? [];
  if (!choice) return;
  stream.text += choice.delta.content ?? '';
  stream.finishReason = choice.finish_reason ?? stream.finishReason;
  const nowMs = performance.now();
  if (stream.numPieces++ > 0) stream.longestPauseMs = Math.max(stream.longestPauseMs, nowMs - stream.lastAtMs);
  stream.lastAtMs = nowMs;
}
