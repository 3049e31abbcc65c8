import { createTokenizer } from '@tessera/qwen2-5-vl';
import { describe, expect, test } from 'vitest';
import { readGolden } from './goldens.js';

interface TokenizerGoldens {
  readonly vocab_size: number;
  readonly cases: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly ids_special_disabled: readonly number[];
    readonly decoded: string;
    readonly decoded_skip_special: string;
    readonly decoded_special_disabled: string;
  }[];
  readonly prefixes: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly decoded_prefixes: readonly string[];
  }[];
}

const goldens = readGolden<Record<string, TokenizerGoldens>>('unit/tokenizer_cases.json');

for (const [checkpoint, { vocab_size, cases, prefixes }] of Object.entries(goldens)) {
  describe(`the tokenizer of ${checkpoint}`, () => {
    const tokenizer = createTokenizer(
      readGolden(`checkpoints/${checkpoint}/tokenizer.json`),
      readGolden(`checkpoints/${checkpoint}/tokenizer_config.json`),
    );

    test('has as many tokens as the reference', () => {
      expect(tokenizer.numTokens).toBe(vocab_size);
    });

    for (const golden of cases) {
      test(`encodes and decodes ${JSON.stringify(golden.text)}`, () => {
        const plainIds = tokenizer.encodeText(golden.text);
        expect(tokenizer.encode(golden.text)).toEqual(golden.ids);
        expect(plainIds).toEqual(golden.ids_special_disabled);
        expect(tokenizer.decode(golden.ids)).toBe(golden.decoded);
        expect(tokenizer.decode(golden.ids, { skipSpecialTokens: true })).toBe(golden.decoded_skip_special);
        expect(tokenizer.decode(plainIds)).toBe(golden.decoded_special_disabled);
      });
    }

    for (const { text, ids, decoded_prefixes } of prefixes) {
      test(`decodes every prefix of ${JSON.stringify(text)}, whole and streamed`, () => {
        const stream = tokenizer.createStreamDecoder();
        let streamed = '';
        for (const [length, expected] of decoded_prefixes.entries()) {
          expect(tokenizer.decode(ids.slice(0, length))).toBe(expected);
          if (length > 0) streamed += stream.push(ids[length - 1]!);
          expect(expected.replace(/\uFFFD$/, '')).toBe(streamed);
        }
        expect(streamed + stream.flush()).toBe(text);
      });
    }
  });
}
