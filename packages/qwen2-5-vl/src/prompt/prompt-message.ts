import type { MeasuredVisual } from '../visual/measured-visual.js';
import type { TemplateMessage } from './chat-template.js';

export type PromptPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image' | 'video'; readonly visual: MeasuredVisual };

/** A validated message; its parts are in the order of the request. */
export interface PromptMessage {
  readonly role: string;
  readonly content: string | readonly PromptPart[];
}

export function visualsOf(messages: readonly PromptMessage[]): MeasuredVisual[] {
  return messages.flatMap(({ content }) =>
    typeof content === 'string' ? [] : content.flatMap((part) => (part.type === 'text' ? [] : [part.visual])),
  );
}

export function textsOf(messages: readonly PromptMessage[]): string[] {
  return messages.flatMap(({ role, content }) =>
    typeof content === 'string'
      ? [role, content]
      : [role, ...content.flatMap((part) => (part.type === 'text' ? [part.text] : []))],
  );
}

/** The messages as templates see them, every text passed through `guard`. Templates look at a part's type or its keys. */
export function templateMessages(
  messages: readonly PromptMessage[],
  guard: (text: string) => string,
): TemplateMessage[] {
  return messages.map(({ role, content }) => ({
    role: guard(role),
    content:
      typeof content === 'string'
        ? guard(content)
        : content.map((part) =>
            part.type === 'text'
              ? { type: 'text', text: guard(part.text) }
              : { type: part.type, [part.type]: part.type },
          ),
  }));
}
