import { type CellModel, ServingError } from '@tessera/domain';
import type { BuiltPrompt, Processor } from '@tessera/qwen2-5-vl';
import { type MediaResolverDeps, type RequestMedia, resolveMedia } from '../media/resolve-media.js';
import type { TextDesk } from '../text/text-desk.js';
import { listImageParts } from './image-parts.js';
import type { ChatMessages } from './message-schema.js';
import { toPromptMessages } from './prompt-messages.js';

export interface PromptDeps extends MediaResolverDeps {
  readonly limits: Pick<CellModel, 'maxContextLen' | 'maxVisualTokens'>;
  /** Bytes of the longest token, which bounds from below how many tokens a text can become. */
  readonly maxTokenBytes: number;
  readonly texts: TextDesk;
}

export interface PromptOptions {
  readonly addGenerationPrompt: boolean;
  readonly addVisionId: boolean;
}

/** A prompt with its pictures at hand; `media.release` when the request ends. */
export interface PreparedPrompt {
  readonly prompt: BuiltPrompt;
  readonly media: RequestMedia;
}

/**
 * Resolves pictures, renders and tokenises a conversation; ServingError `context_length_exceeded`, `media_too_large`
 * for more visual tokens than the cell takes, or the media's.
 */
export async function preparePrompt(
  messages: ChatMessages,
  options: PromptOptions,
  deps: PromptDeps,
  signal: AbortSignal,
): Promise<PreparedPrompt> {
  const { limits } = deps;
  const numCharacters = messages.reduce((sum, { content }) => sum + countCharacters(content), 0);
  assertFits(Math.floor(numCharacters / deps.maxTokenBytes), limits.maxContextLen);
  const media = await resolveMedia(listImageParts(messages), deps, signal);
  try {
    const visuals = media.resolved.map(({ visual }) => visual);
    const numVisualTokens = visuals.reduce((sum, { numTokens }) => sum + numTokens, 0);
    assertFits(numVisualTokens, limits.maxContextLen);
    assertSeen(numVisualTokens, limits.maxVisualTokens);
    const errand = { numCharacters, signal };
    const prompt = await deps.texts.run('buildPrompt', [toPromptMessages(messages, visuals), options], errand);
    assertFits(prompt.tokenIds.length, limits.maxContextLen);
    return { prompt, media };
  } catch (error) {
    await media.release();
    throw error;
  }
}

/** Bytes of the tokenizer's longest token. */
export function longestTokenBytes({ tokenizer }: Processor): number {
  let longest = 1;
  for (let id = 0; id < tokenizer.numTokens; id++) longest = Math.max(longest, tokenizer.tokenBytes(id).length);
  return longest;
}

function countCharacters(content: ChatMessages[number]['content']): number {
  if (typeof content === 'string') return content.length;
  return (content ?? []).reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0);
}

function assertFits(numPromptTokens: number, maxContextLen: number): void {
  if (numPromptTokens + 1 <= maxContextLen) return;
  throw new ServingError(
    'context_length_exceeded',
    `messages: the prompt has at least ${numPromptTokens} tokens and the answer needs one; the context holds ${maxContextLen}`,
    { field: 'messages', limit: maxContextLen, given: numPromptTokens },
  );
}

function assertSeen(given: number, limit: number): void {
  if (given <= limit) return;
  const message = `messages: the pictures have ${given} tokens together, the limit is ${limit}`;
  throw new ServingError('media_too_large', message, { field: 'messages', limit, given });
}
