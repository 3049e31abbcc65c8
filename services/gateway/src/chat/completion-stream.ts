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
 * An answer as server-sent events. Resolves with the first piece of the answer: an error before it is thrown and can
 * still become an HTTP status, a later one becomes the last event.
 */
export async function streamCompletion(
  heading: AnswerHeading,
  answer: AsyncGenerator<AnswerDelta, AnswerEnd>,
  options: StreamOptions,
): Promise<AsyncGenerator<string, void>> {
  return eventsOf(heading, await answer.next(), answer, options);
}

async function* eventsOf(
  heading: AnswerHeading,
  first: IteratorResult<AnswerDelta, AnswerEnd>,
  rest: AsyncGenerator<AnswerDelta, AnswerEnd>,
  { includesUsage, hasLogprobs, onError }: StreamOptions,
): AsyncGenerator<string, void> {
  const event = (chunk: object) => toEvent(includesUsage ? { usage: null, ...chunk } : chunk);
  try {
    yield event(toChunk(heading, { role: 'assistant', content: '' }));
    let step = first;
    for (; !step.done; step = await rest.next()) {
      const { text, logprobs } = step.value;
      yield event(toChunk(heading, { content: text }, hasLogprobs ? { logprobs } : {}));
    }
    yield event(toChunk(heading, {}, { finishReason: step.value.finishReason }));
    if (includesUsage) yield event(toUsageChunk(heading, step.value.usage));
    yield 'data: [DONE]\n\n';
  } catch (thrown) {
    const error = toServingError(thrown);
    onError(error);
    yield toEvent(errorBody(error));
  } finally {
    await rest.return(undefined as never);
  }
}

function toEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
