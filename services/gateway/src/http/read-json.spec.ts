import { describe, expect, it } from 'vitest';
import { readJson } from './read-json.js';

const limits = { depth: 9, numValues: 20 };

describe('readJson', () => {
  it('gives the value of the body', () => {
    expect(readJson(Buffer.from('{"a":[1,"ü"]}'), limits)).toEqual({ a: [1, 'ü'] });
  });

  const cases = [
    ['an empty body', Buffer.of(), 'invalid_json', /empty/],
    ['a broken UTF-8 sequence', Buffer.from([0x22, 0xc3, 0x28, 0x22]), 'invalid_utf8', /UTF-8/],
    ['a body nested 50 000 deep', Buffer.from('['.repeat(50_000)), 'invalid_json', /deeper than 9 levels/],
    ['a body of too many values', Buffer.from(`[${'0,'.repeat(99)}0]`), 'invalid_json', /more than 20 items/],
    ['a missing value', Buffer.from('{"a":}'), 'invalid_json', /unexpected "}" at position 5/],
    ['a trailing comma', Buffer.from('{"a":1,}'), 'invalid_json', /unexpected "}" at position 7/],
    ['a missing colon', Buffer.from('{"a" 1}'), 'invalid_json', /unexpected "1" at position 5/],
    ['a cut-off body', Buffer.from('{"a":[1,2'), 'invalid_json', /unexpected end at position 9/],
    ['a cut-off string', Buffer.from('["abc'), 'invalid_json', /unexpected end at position 5/],
    ['a control character', Buffer.from('["\n"]'), 'invalid_json', /at position 2/],
    ['a bad escape', Buffer.from(String.raw`["\x"]`), 'invalid_json', /at position 2/],
    ['a leading zero', Buffer.from('[01]'), 'invalid_json', /unexpected "1" at position 2/],
    ['a bare word', Buffer.from('{"a":nul}'), 'invalid_json', /unexpected "n" at position 5/],
    ['something behind the value', Buffer.from('{} x'), 'invalid_json', /unexpected "x" at position 3/],
  ] as const;
  for (const [what, bytes, reason, message] of cases) {
    it(`refuses ${what}`, () => {
      expect(() => readJson(bytes, limits)).toThrow(
        expect.objectContaining({ reason, message: expect.stringMatching(message) }),
      );
    });
  }
});
