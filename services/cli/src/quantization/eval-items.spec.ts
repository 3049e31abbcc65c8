import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { readEvalItems } from './eval-items.js';

const picture = { id: 'a', task: 'ocr', prompt: 'Read.', answer: 'X', image: 'media/a.png', width: 56, height: 28 };
const video = { ...picture, id: 'b', image: undefined, frames: ['media/a.png', 'media/a.png'], fps: 2 };
const references = ['a', 'b'].map((id) => ({ id, seen: [28, 56], tokens: [1, 2], text: 'XY' }));

async function evalFolder(lines: { readonly items?: object[]; readonly references?: object[] }): Promise<string> {
  const dir = await temporaryFolder();
  await mkdir(join(dir, 'media'));
  await writeFile(join(dir, 'media/a.png'), 'pixels');
  for (const [name, objects] of [
    ['eval.jsonl', lines.items],
    ['reference.jsonl', lines.references],
  ] as const) {
    if (objects) await writeFile(join(dir, name), objects.map((object) => `${JSON.stringify(object)}\n`).join(''));
  }
  return dir;
}

it('puts questions, reference answers and media together', async () => {
  const items = await readEvalItems(await evalFolder({ items: [picture, video], references }));
  expect(items.map(({ id, fps, tokens, frames }) => [id, fps, tokens, frames.map(String)])).toEqual([
    ['a', undefined, [1, 2], ['pixels']],
    ['b', 2, [1, 2], ['pixels', 'pixels']],
  ]);
});

for (const [what, lines, message] of [
  ['without questions', { references }, 'eval.jsonl is missing or unreadable'],
  ['without reference answers', { items: [picture] }, 'reference.jsonl is missing or unreadable'],
  ['that lacks an answer', { items: [{ ...picture, id: 'c' }], references }, 'reference.jsonl has no line c'],
  ['that lacks a picture', { items: [{ ...picture, image: 'media/c.png' }], references }, 'media/c.png is missing'],
] as const) {
  it(`refuses a folder ${what}`, async () => {
    const refusal = readEvalItems(await evalFolder(lines as object));
    await expect(refusal).rejects.toMatchObject({
      reason: 'invalid_option',
      message: expect.stringContaining(message),
    });
  });
}
