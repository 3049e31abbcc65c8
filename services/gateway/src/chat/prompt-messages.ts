import type { MeasuredVisual, PromptMessage, PromptPart } from '@tessera/qwen2-5-vl';
import type { ChatMessage, ChatMessages } from './message-schema.js';

/** A conversation as the chat template takes it; `visuals` are the measured pictures in prompt order. */
export function toPromptMessages(messages: ChatMessages, visuals: readonly MeasuredVisual[]): PromptMessage[] {
  const remaining = visuals.values();
  return messages.map((message) => ({
    role: message.role === 'developer' ? 'system' : message.role,
    content: toContent(message, remaining),
  }));
}

function toContent({ content }: ChatMessage, visuals: Iterator<MeasuredVisual>): PromptMessage['content'] {
  if (content == null || typeof content === 'string') return content ?? '';
  return content.map((part): PromptPart => {
    if (part.type === 'text') return { type: 'text', text: part.text };
    return { type: 'image', visual: visuals.next().value! };
  });
}
