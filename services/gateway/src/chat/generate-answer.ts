import { countVisualTokens, type FinishReason, type Request } from '@tessera/domain';
import type { Tokenizer } from '@tessera/qwen2-5-vl';
import type { ResolvedMedia } from '../media/resolve-media.js';
import type { GenerationMetrics } from '../metrics/generation-metrics.js';
import { AnswerAssembler, type AnswerDelta, type AnswerOptions } from './answer-assembler.js';
import { type GenerationDeps, runGeneration } from './run-generation.js';

/** A request ready to run, with what only the gateway knows of it. */
export interface ChatJob {
  readonly request: Request;
  readonly media: readonly ResolvedMedia[];
  readonly answer: AnswerOptions;
  /** When its first byte came, in `performance.now()` milliseconds. */
  readonly receivedAtMs: number;
}

/** Token counts of a finished request. */
export interface AnswerUsage {
  readonly numPromptTokens: number;
  readonly numCachedTokens: number;
  readonly numImageTokens: number;
  readonly numVideoTokens: number;
  readonly numOutputTokens: number;
}

export interface AnswerEnd {
  readonly finishReason: FinishReason;
  readonly usage: AnswerUsage;
}

export interface AnswerDeps extends GenerationDeps {
  readonly tokenizer: Tokenizer;
  readonly generationMetrics: GenerationMetrics;
}

/** Yields the pieces of an answer, none empty, and returns how it ended. Errors and early leaving are `runGeneration`'s. */
export async function* generateAnswer(
  job: ChatJob,
  deps: AnswerDeps,
  signal: AbortSignal,
): AsyncGenerator<AnswerDelta, AnswerEnd> {
  const assembler = new AnswerAssembler(deps.tokenizer, job.answer);
  const run = runGeneration(job.request, job.media, deps, signal);
  const recorder = deps.generationMetrics.startAnswer(job.receivedAtMs);
  // Of the first attempt: a later one finds what the earlier ones computed.
  let numCachedTokens: number | undefined;
  try {
    for (;;) {
      const { done: isDone, value: event } = await run.next();
      if (event.kind === 'started') {
        numCachedTokens ??= event.numCachedTokens;
        recorder.recordStart();
        continue;
      }
      const delta = event.kind === 'tokens' ? assembler.push(event.tokens) : assembler.finish();
      recorder.recordTokens(assembler.numTokens);
      if (delta.text !== '' || delta.logprobs.length > 0) yield delta;
      const cached = { numCachedTokens: numCachedTokens ?? 0 };
      if (isDone) return { finishReason: event.reason, usage: usageOf(job.request, { ...event.usage, ...cached }) };
      if (!assembler.isStopped) continue;
      const counts = { ...cached, numOutputTokens: assembler.numTokens };
      return { finishReason: 'stop', usage: usageOf(job.request, counts) };
    }
  } finally {
    await run.return(undefined as never);
  }
}

function usageOf(request: Request, counts: { numCachedTokens: number; numOutputTokens: number }): AnswerUsage {
  return {
    numPromptTokens: request.tokenIds.length,
    numCachedTokens: counts.numCachedTokens,
    numImageTokens: countVisualTokens(request, 'image'),
    numVideoTokens: countVisualTokens(request, 'video'),
    numOutputTokens: counts.numOutputTokens,
  };
}
