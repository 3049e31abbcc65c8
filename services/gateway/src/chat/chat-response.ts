import type { AnswerDelta } from './answer-assembler.js';
import type { AnswerEnd, AnswerUsage } from './generate-answer.js';

/** What all chunks of an answer, and the answer as a whole, say of themselves. */
export interface AnswerHeading {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly system_fingerprint: string;
}

/** A whole answer: OpenAI's `chat.completion`. */
export function toCompletion(
  heading: AnswerHeading,
  deltas: readonly AnswerDelta[],
  end: AnswerEnd,
  hasLogprobs: boolean,
) {
  const content = deltas.map(({ text }) => text).join('');
  return {
    ...heading,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null },
        logprobs: toLogprobs(
          deltas.flatMap(({ logprobs }) => logprobs),
          hasLogprobs,
        ),
        finish_reason: end.finishReason,
      },
    ],
    usage: toUsage(end.usage),
  };
}

/** A piece of an answer: OpenAI's `chat.completion.chunk`. */
export function toChunk(
  heading: AnswerHeading,
  delta: { role?: 'assistant'; content?: string },
  extras: { logprobs?: AnswerDelta['logprobs']; finishReason?: AnswerEnd['finishReason'] } = {},
) {
  return {
    ...heading,
    object: 'chat.completion.chunk',
    choices: [
      {
        index: 0,
        delta,
        logprobs: toLogprobs(extras.logprobs ?? [], extras.logprobs !== undefined),
        finish_reason: extras.finishReason ?? null,
      },
    ],
  };
}

/** The last chunk of a stream whose client asked for usage. */
export function toUsageChunk(heading: AnswerHeading, usage: AnswerUsage) {
  return { ...heading, object: 'chat.completion.chunk', choices: [], usage: toUsage(usage) };
}

function toLogprobs(content: AnswerDelta['logprobs'], isAsked: boolean) {
  return isAsked ? { content, refusal: null } : null;
}

function toUsage(usage: AnswerUsage) {
  const { numPromptTokens, numOutputTokens, numCachedTokens, numImageTokens, numVideoTokens } = usage;
  return {
    prompt_tokens: numPromptTokens,
    completion_tokens: numOutputTokens,
    total_tokens: numPromptTokens + numOutputTokens,
    prompt_tokens_details: {
      cached_tokens: numCachedTokens,
      text_tokens: numPromptTokens - numImageTokens - numVideoTokens,
      image_tokens: numImageTokens,
      video_tokens: numVideoTokens,
    },
  };
}
