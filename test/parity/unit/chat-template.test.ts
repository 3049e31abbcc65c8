import { createChatTemplate, type TemplateMessage } from '@tessera/qwen2-5-vl';
import { describe, expect, test } from 'vitest';
import { readGolden } from './goldens.js';

const { cases } = readGolden<{
  cases: {
    messages: TemplateMessage[];
    add_generation_prompt: boolean;
    add_vision_id: boolean;
    rendered: string;
  }[];
}>('unit/chat_template.json');

const ownTemplate = (checkpoint: string) =>
  readGolden<{ chat_template: string }>(`checkpoints/${checkpoint}/tokenizer_config.json`).chat_template;

for (const [name, template] of Object.entries({
  'the default template': createChatTemplate(undefined),
  "tiny-flat's template": createChatTemplate(ownTemplate('tiny-flat')),
  "tiny-nested's template": createChatTemplate(ownTemplate('tiny-nested')),
})) {
  describe(name, () => {
    for (const [index, golden] of cases.entries()) {
      test(`renders conversation ${index} as the reference does`, () => {
        expect(
          template.render(golden.messages, {
            addGenerationPrompt: golden.add_generation_prompt,
            addVisionId: golden.add_vision_id,
          }),
        ).toBe(golden.rendered);
      });
    }
  });
}
