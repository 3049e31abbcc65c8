import { describe, expect, it } from 'vitest';
import { measureJson } from './measure-json.js';

const noLimits = { depth: Number.POSITIVE_INFINITY, numValues: Number.POSITIVE_INFINITY };

describe('measureJson', () => {
  const cases = [
    ['counts arrays and objects together', '[{"a":[1]}]', 3, 3],
    ['nests siblings no deeper', '[[],[],{},{}]', 2, 8],
    ['counts members and items', '{"a":1,"b":[1,2,3]}', 2, 5],
    ['skips what is in strings', '["[[[[{{{{,,,"]', 1, 1],
    ['skips what follows an escaped quote', String.raw`["\"[[[["]`, 1, 1],
    ['ends a string at a quote after an escaped backslash', String.raw`["\\",[[1]]]`, 3, 4],
    ['ends at an unclosed string', '["[[[', 1, 1],
  ] as const;
  for (const [title, text, depth, numValues] of cases) {
    it(title, () => expect(measureJson(Buffer.from(text), noLimits)).toEqual({ depth, numValues }));
  }

  it('stops once a limit is exceeded', () => {
    const nested = Buffer.from('['.repeat(50));
    expect(measureJson(nested, { ...noLimits, depth: 7 }).depth).toBe(8);
    expect(measureJson(nested, { ...noLimits, numValues: 7 }).numValues).toBe(8);
  });
});
