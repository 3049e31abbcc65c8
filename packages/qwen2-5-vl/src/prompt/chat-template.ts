import { Template } from '@huggingface/jinja';
import { ServingError } from '@tessera/domain';
import { defaultChatTemplate } from './default-chat-template.js';

/** A message as templates see it. */
export interface TemplateMessage {
  readonly role: string;
  readonly content: string | readonly Readonly<Record<string, unknown>>[];
}

export interface TemplateOptions {
  /** End with the opening of the assistant's turn. */
  readonly addGenerationPrompt: boolean;
  /** Number the pictures and videos in the text. */
  readonly addVisionId: boolean;
}

export interface ChatTemplate {
  /** The prompt, one placeholder a visual. Throws ServingError `invalid_field` when the template refuses the messages. */
  render(messages: readonly TemplateMessage[], options: TemplateOptions): string;
}

/**
 * Compiles a Jinja template; undefined gives the published checkpoints' own. `variables` are visible to it, such as
 * `bos_token`. Throws ServingError `checkpoint_invalid` when it does not parse.
 */
export function createChatTemplate(
  source: string | undefined,
  variables: Readonly<Record<string, unknown>> = {},
): ChatTemplate {
  const template = compile(source ?? defaultChatTemplate);
  return {
    render(messages, { addGenerationPrompt, addVisionId }) {
      try {
        return template.render({
          ...variables,
          messages,
          add_generation_prompt: addGenerationPrompt,
          add_vision_id: addVisionId,
        });
      } catch (cause) {
        throw new ServingError(
          'invalid_field',
          `the chat template refuses these messages: ${messageOf(cause)}`,
          { field: 'messages' },
          { cause },
        );
      }
    },
  };
}

function compile(source: string): Template {
  try {
    return new Template(source);
  } catch (cause) {
    throw new ServingError(
      'checkpoint_invalid',
      `the chat template does not parse: ${messageOf(cause)}`,
      {},
      { cause },
    );
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
