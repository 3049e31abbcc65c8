import { describe, expect, it } from 'vitest';
import { explainRefusal } from './explain-refusal.js';

const images = ['a.png', 'b.tiff'];

describe('explainRefusal', () => {
  const cases: [param: string | null, message: string, text: string][] = [
    ['max_tokens', 'max_tokens: expected int, given 1.5', '--max-tokens: expected int, given 1.5'],
    [
      'messages[0].content[1].image_url.url',
      'messages[0].content[1].image_url.url: a picture must be PNG',
      '--image b.tiff: a picture must be PNG',
    ],
    [
      'messages[1].content[0].min_pixels',
      'messages[1].content[0].min_pixels: 1000 is above max_pixels, 800',
      '--min-pixels: 1000 is above --max-pixels, 800',
    ],
    [
      'messages[1].content[0].max_pixels',
      "messages[1].content[0].max_pixels: 784 is below the checkpoint's min_pixels, 3136",
      "--max-pixels: 784 is below the checkpoint's min_pixels, 3136",
    ],
    ['messages', 'messages: the prompt has at least 9 tokens', 'the prompt has at least 9 tokens'],
    [null, 'the server is shutting down', 'the server is shutting down'],
  ];
  for (const [param, message, text] of cases) {
    it(`says "${text}"`, () => {
      expect(explainRefusal({ param, message, code: 'invalid_field' }, images)).toMatchObject({
        message: text,
        reason: 'invalid_field',
      });
    });
  }

  for (const code of ['new_code', 'toString']) {
    it(`takes a code that it does not know for a mistake of ours: ${code}`, () => {
      expect(explainRefusal({ param: null, message: 'x', code }, []).reason).toBe('internal');
    });
  }
});
