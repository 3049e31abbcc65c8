import { describe, expect, test } from 'vitest';
import { createChatTemplate, type TemplateMessage } from './chat-template.js';

const system = '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n';
const image = '<|vision_start|><|image_pad|><|vision_end|>';
const video = '<|vision_start|><|video_pad|><|vision_end|>';
const options = { addGenerationPrompt: true, addVisionId: false };

const conversation: readonly TemplateMessage[] = [
  { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'Hello, how are you?' }] },
  { role: 'assistant', content: 'Fine.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'Can you describe these images and video?' },
      { image: 'a.png' },
      { type: 'image_url', image_url: {} },
      { video: 'b.mp4' },
      { type: 'text', text: 'These are from my vacation.' },
    ],
  },
];

describe('the default chat template (spec §7.1)', () => {
  const template = createChatTemplate(undefined);

  test('adds a system message and opens the answer', () => {
    const messages = [{ role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'Describe this image.' }] }];
    expect(template.render(messages, options)).toBe(
      `${system}<|im_start|>user\n${image}Describe this image.<|im_end|>\n<|im_start|>assistant\n`,
    );
  });

  test('keeps the system message it is given and leaves the answer closed', () => {
    const messages = [{ role: 'system', content: 'Be brief.' }];
    expect(template.render(messages, { ...options, addGenerationPrompt: false })).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n',
    );
  });

  test('numbers pictures and videos over the whole conversation', () => {
    expect(template.render(conversation, { ...options, addVisionId: true })).toBe(
      `${system}<|im_start|>user\nPicture 1: ${image}Hello, how are you?<|im_end|>\n` +
        '<|im_start|>assistant\nFine.<|im_end|>\n' +
        `<|im_start|>user\nCan you describe these images and video?Picture 2: ${image}Picture 3: ${image}` +
        `Video 1: ${video}These are from my vacation.<|im_end|>\n<|im_start|>assistant\n`,
    );
  });
});

describe("a checkpoint's own template", () => {
  test('sees the variables of its tokenizer', () => {
    const template = createChatTemplate('{{ bos_token }}{{ messages[0].content }}', { bos_token: '<s>' });
    expect(template.render([{ role: 'user', content: 'Hi' }], options)).toBe('<s>Hi');
  });

  test('may refuse messages, which is the fault of the request', () => {
    const template = createChatTemplate("{{ raise_exception('roles must alternate') }}");
    expect(() => template.render([], options)).toThrow(
      expect.objectContaining({
        reason: 'invalid_field',
        message: 'the chat template refuses these messages: roles must alternate',
      }),
    );
  });

  test('is refused when it does not parse', () => {
    expect(() => createChatTemplate('{% if %}')).toThrow(expect.objectContaining({ reason: 'checkpoint_invalid' }));
  });
});
