import { describe, expect, test } from 'vitest';
import { createTokenizer } from './tokenizer.js';

/** "é" is the bytes C3 A9, in a byte-level vocabulary "Ã" and "©"; "Ġ" is the space. */
const tokenizerJson = {
  added_tokens: [
    { id: 8, content: '<|end|>', special: true },
    { id: 9, content: '<tool>', special: false },
    { id: 12, content: '<|hidden|>', special: false },
  ],
  normalizer: { type: 'NFC' },
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
  decoder: { type: 'ByteLevel' },
  model: {
    type: 'BPE',
    vocab: { a: 0, b: 1, ab: 2, Ġ: 3, Ã: 4, '©': 5, '<': 6, '>': 7, '|': 10, end: 11, e: 13, n: 14, d: 15, en: 16 },
    merges: ['a b', 'e n', 'en d'],
  },
};
const tokenizer = createTokenizer(tokenizerJson, { additional_special_tokens: ['<|hidden|>'] });

describe('createTokenizer', () => {
  test('recognises added tokens and merges what lies between', () => {
    expect(tokenizer.encode('ab a<|end|><tool>b')).toEqual([2, 3, 0, 8, 9, 1]);
    expect(tokenizer.encode('')).toEqual([]);
  });

  test('takes special tokens in a text for text, other added ones not', () => {
    expect(tokenizer.encodeText('a<|end|><tool>')).toEqual([0, 6, 10, 11, 10, 7, 9]);
  });

  test('calls a token special when the configuration does', () => {
    expect([...tokenizer.specialTokens]).toEqual([
      ['<|end|>', 8],
      ['<|hidden|>', 12],
    ]);
    expect(tokenizer.decode([0, 12, 8, 9, 1], { skipSpecialTokens: true })).toBe('a<tool>b');
    expect(tokenizer.decode([0, 12, 8])).toBe('a<|hidden|><|end|>');
  });

  test('composes a letter and its accent before encoding', () => {
    expect(tokenizer.encode('e\u0301')).toEqual([4, 5]);
  });

  test('knows the bytes of every token, none for an id between and beyond', () => {
    const bytes = (id: number) => [...tokenizer.tokenBytes(id)];
    expect(tokenizer.numTokens).toBe(17);
    expect(bytes(0)).toEqual([0x61]);
    expect(bytes(3)).toEqual([0x20]);
    expect(bytes(4)).toEqual([0xc3]);
    expect(bytes(9)).toEqual([...new TextEncoder().encode('<tool>')]);
    expect(bytes(99)).toEqual([]);
    expect(tokenizer.decode([0, 99, 1])).toBe('ab');
  });

  test('finds the id of an added token by its text', () => {
    expect(tokenizer.specialTokenId('<tool>')).toBe(9);
    expect(tokenizer.specialTokenId('a')).toBeUndefined();
  });

  test('holds back the bytes of an unfinished character while streaming', () => {
    const stream = tokenizer.createStreamDecoder();
    expect([0, 4, 5, 4].map((id) => stream.push(id))).toEqual(['a', '', 'é', '']);
    expect(stream.flush()).toBe('\uFFFD');
    expect(stream.push(5)).toBe('\uFFFD');
    expect(stream.flush()).toBe('');
  });

  test('streams the text of a whole decode, special tokens left out alike', () => {
    const ids = [4, 8, 5, 12, 4, 5, 9, 4];
    for (const skipSpecialTokens of [false, true]) {
      const stream = tokenizer.createStreamDecoder({ skipSpecialTokens });
      const streamed = ids.map((id) => stream.push(id)).join('') + stream.flush();
      expect(streamed).toBe(tokenizer.decode(ids, { skipSpecialTokens }));
    }
  });

  const refused = [
    [{ ...tokenizerJson, model: { type: 'Unigram', vocab: [] } }, 'only byte-level BPE is supported'],
    [{ ...tokenizerJson, decoder: { type: 'Metaspace' } }, 'only byte-level BPE is supported'],
    [{ ...tokenizerJson, added_tokens: [{ content: 'x' }] }, 'added_tokens[0].id and content must be given'],
    [
      { ...tokenizerJson, added_tokens: [{ id: 3, content: 'x', lstrip: true }] },
      'added_tokens[0].lstrip: true is not supported',
    ],
  ] as const;
  for (const [raw, message] of refused) {
    test(`refuses a file where ${message}`, () => {
      expect(() => createTokenizer(raw)).toThrow(message);
    });
  }
});
