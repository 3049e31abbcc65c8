import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readBody } from './read-body.js';

const chunks = (...sizes: number[]) => Readable.from(sizes.map((size) => Buffer.alloc(size, 1)));

describe('readBody', () => {
  it('joins the chunks of a body up to the limit', async () => {
    expect(await readBody(chunks(3, 4), 7)).toEqual(Buffer.alloc(7, 1));
  });

  it('refuses a larger body, naming the limit', async () => {
    await expect(readBody(chunks(3, 5), 7)).rejects.toMatchObject({
      reason: 'body_too_large',
      message: expect.stringContaining('7 bytes'),
    });
  });

  it('drops as much again as the limit, then stops reading', async () => {
    const body = chunks(4, 4, 4, 4, 4, 4);
    await expect(readBody(body, 7)).rejects.toMatchObject({ reason: 'body_too_large' });
    expect((await body.toArray()).length).toBe(2);
  });
});
