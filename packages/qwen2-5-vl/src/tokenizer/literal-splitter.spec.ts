import { describe, expect, test } from 'vitest';
import { createLiteralSplitter } from './literal-splitter.js';

const show = (literals: readonly string[], text: string) =>
  createLiteralSplitter(literals)(text).map((piece) => (piece.isLiteral ? `[${piece.text}]` : piece.text));

describe('createLiteralSplitter', () => {
  test('splits at every literal, leftmost and longest first, without empty pieces', () => {
    const table: readonly (readonly [readonly string[], string, readonly string[]])[] = [
      [['<a>'], 'x<a>y', ['x', '[<a>]', 'y']],
      [['<a>'], '<a><a>', ['[<a>]', '[<a>]']],
      [['<a', '<a>'], '<a><a', ['[<a>]', '[<a]']],
      [['ab', 'bc'], 'abc', ['[ab]', 'c']],
      [['|.*', '$^'], 'a|.*$^', ['a', '[|.*]', '[$^]']],
      [['<a>'], '', []],
      [[], '<a>', ['<a>']],
      [[''], 'x', ['x']],
    ];
    for (const [literals, text, pieces] of table) expect(show(literals, text)).toEqual(pieces);
  });
});
