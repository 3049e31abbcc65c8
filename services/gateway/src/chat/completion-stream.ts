import type { ServingError } from '@tessera/domain';
import { errorBody } from '../http/error-body.js';
import { toServingError } from '../http/to-serving-error.js';
import type { AnswerDelta } from './answer-assembler.js';
import { type AnswerHeading, toChunk, toUsageChunk } from './chat-response.js';
import type { AnswerEnd } from './generate-answer.js';

export interface StreamOptions {
  readonly includesUsage: boolean;
  readonly hasLogprobs: boolean;
  /** Told of an error that comes when the stream has begun. */
  onError(error: ServingError): void;
}

/**
 * An answer as server-sent events. The first event comes with the first piece of the answer, so an error before it is
 * thrown and can still become an HTTP status; a later one becomes the last event.
 */
export async function* streamCompletion(
  heading: AnswerHeading,
  answer: AsyncGenerator<AnswerDelta, AnswerEnd>,
  options: StreamOptions,
): AsyncGenerator<string> {
  const event = (chunk: object) => toEvent(options.includesUsage ? { usage: null, ...chunk } : chunk);
  let step = await answer.next();
  try {
    yield event(toChunk(heading, { role: 'assistant', content: '' }));
    for (; !step.done; step = await answer.next()) {
      const { text, logprobs } = step.value;
      yield event(toChunk(heading, { content: text }, options.hasLogprobs ? { logprobs } : {}));
    }
    yield event(toChunk(heading, {}, { finishReason: step.value.finishReason }));
    if (options.includesUsage) yield event(toUsageChunk(heading, step.value.usage));
    yield 'data: [DONE]\n\n';
  } catch (thrown) {
    const error = toServingError(thrown);
    options.onError(error);
    yield toEvent(errorBody(error));
  } finally {
    await answer.return(undefined as never);
  }
}

function toEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
