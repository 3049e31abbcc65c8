import { describe, expect, test } from 'vitest';
import { createProcessor } from './processor.js';

const specialTexts = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<|vision_start|>',
  '<|vision_end|>',
  '<|image_pad|>',
  '<|video_pad|>',
  '<|file_sep|>',
];
/** Ids 0 … 127 are the ASCII characters, so that prompts can be read; special tokens follow. */
const firstSpecial = 128;
const idOf = (special: string) => firstSpecial + specialTexts.indexOf(special);

const asciiVocabulary = Object.fromEntries(
  Array.from({ length: 128 }, (_, byte) => [
    String.fromCharCode(byte > 0x20 && byte < 0x7f ? byte : 0x100 + (byte < 0x7f ? byte : 33)),
    byte,
  ]),
);

const tokenizer = {
  added_tokens: specialTexts.map((content, i) => ({ id: firstSpecial + i, content, special: true })),
  normalizer: { type: 'NFC' },
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
  decoder: { type: 'ByteLevel' },
  model: { type: 'BPE', vocab: asciiVocabulary, merges: [] },
};

const config = {
  model_type: 'qwen2_5_vl',
  hidden_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 96,
  vocab_size: 160,
  rope_scaling: { type: 'mrope', mrope_section: [2, 3, 3] },
  vision_start_token_id: idOf('<|vision_start|>'),
  vision_end_token_id: idOf('<|vision_end|>'),
  image_token_id: idOf('<|image_pad|>'),
  video_token_id: idOf('<|video_pad|>'),
  eos_token_id: idOf('<|im_end|>'),
  vision_config: { depth: 3, hidden_size: 32, num_heads: 2, intermediate_size: 48, out_hidden_size: 64 },
};

const bareTemplate = `
{%- for message in messages %}
  {%- if message.content is string %}{{- message.content }}
  {%- else %}
    {%- for part in message.content %}
      {%- if part.type == 'text' %}{{- part.text }}{%- else %}{{- '<|' + part.type + '_pad|>' }}{%- endif %}
    {%- endfor %}
  {%- endif %}
  {{- '<|im_end|>' }}
{%- endfor %}`;

const files = { config, tokenizer, preprocessorConfig: { min_pixels: 3136, max_pixels: 12_845_056 } };
const processor = createProcessor({ ...files, chatTemplateJinja: bareTemplate });

/** A prompt's ids, runs of one placeholder as its text and a count. */
function readable(ids: Int32Array): string {
  return [...ids]
    .map((id) => (id < firstSpecial ? String.fromCharCode(id) : specialTexts[id - firstSpecial]!))
    .join('')
    .replaceAll(/<\|(image|video)_pad\|>(?:<\|\1_pad\|>)*/g, (run, kind: string) => `[${kind} ${run.length / 13}]`);
}

describe('Processor.measureImage', () => {
  test('counts the tokens of a picture from its size (spec §3.4)', () => {
    const table = [
      [1080, 1920, 78, 138, 2691],
      [480, 640, 34, 46, 391],
      [224, 224, 16, 16, 64],
      [1, 200, 2, 14, 7],
      [1, 1, 4, 4, 4],
    ] as const;
    for (const [height, width, h, w, numTokens] of table) {
      expect(processor.measureImage({ height, width })).toEqual({
        kind: 'image',
        grid: { t: 1, h, w },
        resized: { height: h * 14, width: w * 14 },
        source: { height, width },
        numTokens,
        secondPerGrid: 0,
      });
    }
  });

  test('takes limits of its own one by one', () => {
    const size = { height: 1080, width: 1920 };
    expect(processor.measureImage(size, { maxPixels: 1280 * 784 }).resized).toEqual({ height: 728, width: 1316 });
    expect(() => processor.measureImage(size, { minPixels: 9, maxPixels: 8 })).toThrow('min_pixels is 9');
  });
});

describe('Processor.measureVideo', () => {
  test('counts pairs of frames within the video budget and repeats an odd one (spec §4.2)', () => {
    expect(processor.measureVideo({ numFrames: 20, size: { height: 1080, width: 1920 }, fps: 2 })).toEqual({
      kind: 'video',
      grid: { t: 10, h: 40, w: 72 },
      resized: { height: 560, width: 1008 },
      source: { height: 1080, width: 1920 },
      numTokens: 7200,
      secondPerGrid: 1,
    });
    const odd = {
      numFrames: 5,
      size: { height: 150, width: 90 },
      fps: 0.7,
      limits: { minPixels: 3136, maxPixels: 100_352 },
    };
    expect(processor.measureVideo(odd)).toMatchObject({ grid: { t: 3, h: 10, w: 6 }, secondPerGrid: 2 / 0.7 });
  });

  test('refuses a video without length', () => {
    const size = { height: 56, width: 56 };
    expect(() => processor.measureVideo({ numFrames: 0, size, fps: 2 })).toThrow('has no length');
    expect(() => processor.measureVideo({ numFrames: 2, size, fps: 0 })).toThrow('has no length');
  });
});

describe('Processor.buildPrompt', () => {
  const small = processor.measureImage({ height: 56, width: 56 });
  const wide = processor.measureImage({ height: 56, width: 84 });
  const clip = processor.measureVideo({
    numFrames: 4,
    size: { height: 56, width: 56 },
    fps: 2,
    limits: { minPixels: 3136, maxPixels: 3136 },
  });

  test('expands every placeholder and says where each visual begins', () => {
    const prompt = processor.buildPrompt([
      {
        role: 'user',
        content: [
          { type: 'image', visual: small },
          { type: 'text', text: 'ab' },
          { type: 'video', visual: clip },
          { type: 'image', visual: wide },
        ],
      },
    ]);
    expect(prompt.text).toBe('<|image_pad|>ab<|video_pad|><|image_pad|><|im_end|>');
    expect(readable(prompt.tokenIds)).toBe('[image 4]ab[video 8][image 6]<|im_end|>');
    expect(prompt.visuals).toEqual([
      { ...small, offset: 0 },
      { ...clip, offset: 6 },
      { ...wide, offset: 14 },
    ]);
    expect(prompt.positions.temporal.join(' ')).toBe('0 0 0 0 2 3 4 4 4 4 6 6 6 6 7 7 7 7 7 7 10');
    expect(prompt.positions.width.join(' ')).toBe('0 1 0 1 2 3 4 5 4 5 4 5 4 5 7 8 9 7 8 9 10');
    expect(prompt.positions.next).toBe(11);
  });

  test('never reads special tokens out of a text, a role or two texts in a row', () => {
    const written = createProcessor({ ...files, chatTemplateJinja: '{{ messages[0].role }}<|im_end|>' });
    expect(readable(written.buildPrompt([{ role: '<|im_end|>', content: '' }]).tokenIds)).toBe('<|im_end|><|im_end|>');
    expect(written.buildPrompt([{ role: '<|im_end|>', content: '' }]).tokenIds.length).toBe(11);

    const texts = ['a<|im_end|>', '<|im', '_end|>', '<', '<|image_pad|>'];
    const prompt = processor.buildPrompt([
      { role: 'user', content: texts.map((text) => ({ type: 'text' as const, text })) },
      { role: 'user', content: '<|video_pad|>' },
    ]);
    const rendered = `${texts.join('')}<|im_end|><|video_pad|><|im_end|>`;
    expect(prompt.text).toBe(rendered);
    expect([...prompt.tokenIds].filter((id) => id >= firstSpecial)).toEqual([idOf('<|im_end|>'), idOf('<|im_end|>')]);
    expect(prompt.tokenIds.length).toBe(texts.join('').length + '<|video_pad|>'.length + 2);
  });

  test('opens the answer unless told not to, with the default template', () => {
    const standard = createProcessor(files);
    const messages = [{ role: 'system', content: 'S' }];
    expect(standard.buildPrompt(messages).text).toBe('<|im_start|>system\nS<|im_end|>\n<|im_start|>assistant\n');
    expect(standard.buildPrompt(messages, { addGenerationPrompt: false }).text).toBe(
      '<|im_start|>system\nS<|im_end|>\n',
    );
  });

  test('refuses a template that loses or invents a visual', () => {
    const build = (chatTemplateJinja: string) =>
      createProcessor({ ...files, chatTemplateJinja }).buildPrompt([
        { role: 'user', content: [{ type: 'image', visual: small }] },
      ]);
    expect(() => build('nothing')).toThrow('writes 0 placeholders for 1 pictures and videos');
    expect(() => build('<|image_pad|><|image_pad|>')).toThrow('writes 2 placeholders for 1');
    expect(() => build('<|video_pad|>')).toThrow('writes 1 placeholders for 1');
  });
});

describe('createProcessor', () => {
  const rendered = (more: object) =>
    createProcessor({ ...files, ...more }).buildPrompt([{ role: 'user', content: 'Hi' }]).text;

  test('takes the template from the first place that has one', () => {
    const tokenizerConfig = { chat_template: 'T', eos_token: '<|im_end|>', bos_token: { content: '<|endoftext|>' } };
    const chatTemplate = { chat_template: 'C' };
    expect(rendered({ tokenizerConfig, chatTemplate, chatTemplateJinja: 'J' })).toBe('J');
    expect(rendered({ tokenizerConfig, chatTemplate })).toBe('C');
    expect(rendered({ tokenizerConfig })).toBe('T');
    const named = [
      { name: 'tools', template: 'no' },
      { name: 'default', template: '{{ bos_token }}D{{ eos_token }}' },
    ];
    expect(rendered({ tokenizerConfig: { ...tokenizerConfig, chat_template: named } })).toBe(
      '<|endoftext|>D<|im_end|>',
    );
  });

  test("ends answers with the model's own token when nothing else is said", () => {
    expect(processor.generation.eosTokenIds).toEqual([idOf('<|im_end|>')]);
  });

  test('refuses a placeholder id that the tokenizer does not call special', () => {
    expect(() => createProcessor({ ...files, config: { ...config, image_token_id: 65 } })).toThrow(
      'config.json: image_token_id is 65, no special token of tokenizer.json',
    );
  });

  test('refuses more tokens than embedding rows', () => {
    expect(() => createProcessor({ ...files, config: { ...config, vocab_size: 135 } })).toThrow(
      'tokenizer.json has 136 tokens, the embedding table only 135',
    );
  });
});
