import { describe, expect, test } from 'vitest';
import { createTextGuard } from './text-guard.js';

const tokens = ['<|end|>', '<|pad|>'];
const marker = '\uFDD0';

describe('createTextGuard', () => {
  test('marks every special token, and an end that may become one', () => {
    const guard = createTextGuard(tokens, []);
    const table = [
      ['plain', 'plain'],
      ['a<|end|>b', `a<${marker}|end|>b`],
      ['<|end|><|pad|>', `<${marker}|end|><${marker}|pad|>`],
      ['so <|en', `so <|en${marker}`],
      ['1 <', `1 <${marker}`],
      ['end|> ', 'end|> '],
      ['<|END|>', '<|END|>'],
      ['', ''],
    ] as const;
    for (const [text, guarded] of table) {
      expect(guard.guard(text), text).toBe(guarded);
      expect(guard.unguard(guarded), text).toBe(text);
    }
  });

  test('marks a token that begins inside another', () => {
    const guard = createTextGuard(['abc', 'bcd', 'cde'], []);
    expect(guard.guard('abcde!')).toBe(`a${marker}b${marker}c${marker}de!`);
  });

  test('takes a marker that no text holds', () => {
    const guard = createTextGuard(tokens, ['\uFDD0', 'a\uFDD1']);
    expect(guard.guard('<|pad|>')).toBe('<\uFDD2|pad|>');
  });

  test('refuses texts that leave no marker', () => {
    const everything = [
      ...Array.from({ length: 0x20 }, (_, i) => 0xfdd0 + i),
      ...Array.from({ length: 0x1900 }, (_, i) => 0xe000 + i),
    ];
    expect(() => createTextGuard(tokens, [String.fromCharCode(...everything)])).toThrow('none is left as a marker');
  });
});
