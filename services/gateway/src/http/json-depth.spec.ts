import { describe, expect, it } from 'vitest';
import { exceedsJsonDepth } from './json-depth.js';

describe('exceedsJsonDepth', () => {
  const cases = [
    ['counts arrays and objects together', '[{"a":[1]}]', 2, true],
    ['accepts the limit itself', '[{"a":[1]}]', 3, false],
    ['counts no siblings', '[[],[],{},{}]', 2, false],
    ['skips brackets in strings', '["[[[[{{{{"]', 1, false],
    ['skips brackets after an escaped quote', String.raw`["\"[[[["]`, 1, false],
    ['ends a string at a quote after an escaped backslash', String.raw`["\\",[[1]]]`, 2, true],
    ['ends at an unclosed string', '["[[[', 1, false],
  ] as const;
  for (const [title, text, maxDepth, expected] of cases) {
    it(title, () => expect(exceedsJsonDepth(Buffer.from(text), maxDepth)).toBe(expected));
  }
});
