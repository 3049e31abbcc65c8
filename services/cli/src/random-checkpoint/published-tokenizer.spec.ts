import { createTokenizer } from '@tessera/qwen2-5-vl';
import { describe, expect, it } from 'vitest';
import { publishedTokenizer } from './published-tokenizer.js';

const { tokenizer: json, tokenizerConfig } = await publishedTokenizer('{{ messages }}');
const tokenizer = createTokenizer(json, tokenizerConfig);

describe('publishedTokenizer', () => {
  it('has the published number of tokens', () => {
    expect(tokenizer.numTokens).toBe(151_665);
  });

  it('encodes the beginning of every default chat as the published one does', () => {
    const prefix = '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<|vision_start|>';
    expect(tokenizer.encode(prefix)).toEqual([
      151644, 8948, 198, 2610, 525, 264, 10950, 17847, 13, 151645, 198, 151644, 872, 198, 151652,
    ]);
  });

  it('reads back every byte', () => {
    const text = 'Grüße, 世界! 🧱\t\u0000 don’t';
    expect(tokenizer.decode(tokenizer.encodeText(text))).toBe(text);
  });

  const ids: Readonly<Record<string, number>> = {
    '<|endoftext|>': 151643,
    '<|im_end|>': 151645,
    '<|vision_start|>': 151652,
    '<|image_pad|>': 151655,
    '<|video_pad|>': 151656,
  };
  for (const [text, id] of Object.entries(ids)) {
    it(`flags ${text} special with id ${id}`, () => expect(tokenizer.specialTokens.get(text)).toBe(id));
  }

  it('knows tool calls without flagging them special', () => {
    expect(tokenizer.specialTokenId('<tool_call>')).toBe(151657);
    expect(tokenizer.specialTokens.has('<tool_call>')).toBe(false);
  });

  it('carries the chat template', () => {
    expect(tokenizerConfig).toMatchObject({ chat_template: '{{ messages }}' });
  });
});
