import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { validate } from './validate.js';

const part = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({ type: z.literal('size'), pixels: z.int().min(2).max(9) }),
]);
const schema = z.strictObject({
  content: z.union([z.string(), z.array(part).max(2)]),
  tools: z
    .unknown()
    .refine((value) => value === undefined, { error: 'no tools', params: { reason: 'unsupported_feature' } })
    .optional(),
});

describe('validate', () => {
  it('gives what the schema describes', () => {
    expect(validate(schema, { content: 'x' })).toEqual({ content: 'x' });
  });

  const cases = [
    ['names an unknown field', { content: 'x', extra: 1 }, 'unknown_field', 'extra', /extra is not a known field/],
    [
      'refuses a __proto__ key',
      JSON.parse('{"content":"x","__proto__":{}}'),
      'unknown_field',
      '__proto__',
      /not a known/,
    ],
    [
      'names an unknown field of an array item',
      { content: [{ type: 'text', text: '', k: 1 }] },
      'unknown_field',
      'content[0].k',
      /known/,
    ],
    [
      'names a value of a wrong type',
      { content: [{ type: 'text', text: 3 }] },
      'invalid_field',
      'content[0].text',
      /text: expected string, given 3$/,
    ],
    [
      'names the limit that a value is over',
      { content: [{ type: 'size', pixels: 12 }] },
      'invalid_field',
      'content[0].pixels',
      /<=9.*given 12/,
    ],
    [
      'names all types that a field may have',
      { content: 5 },
      'invalid_field',
      'content',
      /expected string or array, given 5/,
    ],
    [
      'names the kinds that an item may have',
      { content: [{ type: 'x' }] },
      'invalid_field',
      'content[0].type',
      /'text' \| 'size'.*given "x"/,
    ],
    ['names a missing field', {}, 'invalid_field', 'content', /given nothing/],
    ['refuses a body that is not there', undefined, 'invalid_json', undefined, /the body is empty/],
    ['refuses a body that is no object', [], 'invalid_field', undefined, /the body: .*given an array of 0/],
    [
      'names the limit of the type that a value has',
      { content: Array(3).fill({ type: 'text', text: '' }) },
      'invalid_field',
      'content',
      /^content: expected array to have <=2 items, given an array of 3$/,
    ],
    ['gives the reason that a check names', { content: 'x', tools: [] }, 'unsupported_feature', 'tools', /no tools/],
    [
      'shortens long values',
      { content: 'x', tools: 'y'.repeat(99) },
      'unsupported_feature',
      'tools',
      /given "y{60}"…$/,
    ],
  ] as const;
  for (const [title, body, reason, field, message] of cases) {
    it(title, () => {
      expect(() => validate(schema, body)).toThrow(
        expect.objectContaining({
          reason,
          facts: field === undefined ? {} : expect.objectContaining({ field }),
          message: expect.stringMatching(message),
        }),
      );
    });
  }
});
