import { describe, expect, it } from 'vitest';
import { decodeBase64 } from './decode-base64.js';

describe('decodeBase64', () => {
  for (const length of [0, 1, 2, 3, 4, 255, 3 * 2 ** 18, 3 * 2 ** 18 + 1, 2 ** 21]) {
    it(`gives back ${length} bytes`, async () => {
      const bytes = Buffer.from(Array.from({ length }, (_, i) => (i * 31) % 256));
      expect(bytes.equals(await decodeBase64(bytes.toString('base64'), 'f'))).toBe(true);
    });
  }

  const cases = [
    ['a length that is no multiple of 4', 'QUJ', /length 3/],
    ['white space', 'QU\nD', /"\\n" at position 2/],
    ['the URL alphabet', 'QU-_', /"-" at position 2/],
    ['padding amid the text', 'QQ==QUJD', /"=" at position 2/],
    ['three signs of padding', 'Q===', /"=" at position 1/],
    ['a mistake behind the first slice', `${'A'.repeat(2 ** 20)}AA*A`, /"\*" at position 1048578/],
  ] as const;
  for (const [what, text, message] of cases) {
    it(`refuses ${what}`, async () => {
      const facts = { field: 'f' };
      await expect(decodeBase64(text, 'f')).rejects.toMatchObject({
        reason: 'invalid_base64',
        facts,
        message: expect.stringMatching(message),
      });
    });
  }
});
