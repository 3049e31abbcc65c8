import { countVisualTokens, type ErrorReason, type Request } from '@tessera/domain';
import type { Counter, Histogram, Metrics } from '@tessera/runtime';
import type { RequestMedia } from '../media/resolve-media.js';

const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** Follows one answer; call `recordTokens` with the running count whenever tokens came. */
export interface AnswerRecorder {
  /** The scheduler has begun to run it; only the first time counts. */
  recordStart(): void;
  recordTokens(numTokens: number): void;
}

/** What the gateway measures of prompts and answers. Times start at the request's first byte unless they say otherwise. */
export class GenerationMetrics {
  readonly #mediaSeconds: Histogram;
  readonly #queueSeconds: Histogram;
  readonly #firstTokenSeconds: Histogram;
  readonly #interTokenSeconds: Histogram;
  readonly #promptTokens: Counter<'kind'>;
  readonly #outputTokens: Counter;
  readonly #images: Counter;
  readonly #imagePixels: Counter;
  readonly #resumedAttempts: Counter<'reason'>;

  constructor(metrics: Metrics) {
    const histogram = (name: string, help: string) => metrics.histogram({ name, help, buckets: secondsBuckets });
    this.#mediaSeconds = histogram(
      'tessera_gateway_media_seconds',
      'Time to decode, hash and measure the media of a request.',
    );
    this.#queueSeconds = histogram(
      'tessera_gateway_queue_seconds',
      'Time from handing a request to the scheduler until it runs, encoding included.',
    );
    this.#firstTokenSeconds = histogram(
      'tessera_gateway_time_to_first_token_seconds',
      'Time from first byte to first token.',
    );
    this.#interTokenSeconds = histogram('tessera_gateway_inter_token_seconds', 'Time between tokens of an answer.');
    this.#promptTokens = metrics.counter({
      name: 'tessera_gateway_prompt_tokens_total',
      help: 'Prompt tokens of admitted requests, by what they stand for.',
      labelNames: ['kind'],
    });
    this.#outputTokens = metrics.counter({ name: 'tessera_gateway_output_tokens_total', help: 'Tokens generated.' });
    this.#images = metrics.counter({ name: 'tessera_gateway_images_total', help: 'Images received.' });
    this.#imagePixels = metrics.counter({
      name: 'tessera_gateway_image_pixels_total',
      help: 'Pixels of images as sent.',
    });
    this.#resumedAttempts = metrics.counter({
      name: 'tessera_gateway_resumed_attempts_total',
      help: 'Interrupted requests that were submitted again, by the reason of the interruption.',
      labelNames: ['reason'],
    });
  }

  recordMedia({ resolved: media, spentMs }: RequestMedia): void {
    if (media.length === 0) return;
    this.#mediaSeconds.observe(spentMs / 1000);
    this.#images.inc(media.length);
    this.#imagePixels.inc(media.reduce((sum, { visual }) => sum + visual.source.height * visual.source.width, 0));
  }

  recordPrompt(request: Request): void {
    const numImageTokens = countVisualTokens(request, 'image');
    const numVideoTokens = countVisualTokens(request, 'video');
    this.#promptTokens.inc({ kind: 'text' }, request.tokenIds.length - numImageTokens - numVideoTokens);
    this.#promptTokens.inc({ kind: 'image' }, numImageTokens);
    this.#promptTokens.inc({ kind: 'video' }, numVideoTokens);
  }

  recordResumed(reason: ErrorReason): void {
    this.#resumedAttempts.inc({ reason });
  }

  /** Starts following the answer to a request that came at `receivedAtMs` of `performance.now()` and is submitted now. */
  startAnswer(receivedAtMs: number): AnswerRecorder {
    const submittedAtMs = performance.now();
    let isStarted = false;
    let numSeen = 0;
    let lastAtMs = receivedAtMs;
    return {
      recordStart: () => {
        if (!isStarted) this.#queueSeconds.observe((performance.now() - submittedAtMs) / 1000);
        isStarted = true;
      },
      recordTokens: (numTokens) => {
        if (numTokens === numSeen) return;
        const nowMs = performance.now();
        const seconds = (nowMs - lastAtMs) / 1000;
        if (numSeen === 0) this.#firstTokenSeconds.observe(seconds);
        else this.#interTokenSeconds.observe(seconds / (numTokens - numSeen));
        this.#outputTokens.inc(numTokens - numSeen);
        numSeen = numTokens;
        lastAtMs = nowMs;
      },
    };
  }
}
