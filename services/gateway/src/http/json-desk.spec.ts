import { afterAll, describe, expect, it } from 'vitest';
import { createJsonDesk } from './json-desk.js';

const desk = createJsonDesk();
afterAll(() => desk.close());

const limits = { depth: 9, numValues: 20 };
const large = 'ü'.repeat(2 ** 20);

describe('a JSON desk', () => {
  it('reads small bodies and large ones alike', async () => {
    for (const text of ['a', large]) {
      expect(await desk.read(Buffer.from(JSON.stringify({ messages: [text, 1] })), limits)).toEqual({
        messages: [text, 1],
      });
    }
  });

  it('says what is wrong with them alike', async () => {
    for (const text of ['a', large]) {
      await expect(desk.read(Buffer.from(`["${text}",]`), limits)).rejects.toMatchObject({
        reason: 'invalid_json',
        facts: { position: text.length + 4 },
      });
    }
  });
});
