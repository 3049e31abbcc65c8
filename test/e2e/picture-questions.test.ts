import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, type EvalItem, evalItem } from './support/eval-items.js';
import { dataUri, picturePart, question, textPart } from './support/questions.js';
import { type Server, startServer } from './support/start-server.js';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.stop());

const items = [
  'ocr_001',
  'ocr_014',
  'ocr_held_006',
  'describe_001',
  'describe_007',
  'count_001',
  'count_006',
  'color_004',
  'color_005',
  'ground_001',
  'ground_005',
  'point_003',
  'table_001',
].map(evalItem);

/** Positions a page: what was computed before is found by whole pages, and the last token is always computed. */
const pageLen = 16;

describe('a question about a picture', () => {
  for (const item of items) {
    it(`has the reference's answer, whole and streamed (${item.id})`, async () => {
      const { choices, usage } = await server.api.complete(ask(item));
      expect(choices).toMatchObject([
        { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: item.text } },
      ]);
      expect(usage.prompt_tokens_details).toMatchObject({
        image_tokens: item.numImageTokens,
        text_tokens: usage.prompt_tokens - item.numImageTokens,
      });
      expect(usage.completion_tokens).toBe(item.numAnswerTokens + 1);
      expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens);

      const chunks = await server.api.chunks({ ...ask(item), stream_options: { include_usage: true } });
      expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(item.text);
      expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
      const { prompt_tokens: numPromptTokens, prompt_tokens_details: details } = usage;
      const numCachedTokens = Math.floor((numPromptTokens - 1) / pageLen) * pageLen;
      const asked = { ...usage, prompt_tokens_details: { ...details, cached_tokens: numCachedTokens } };
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage: asked });
    });
  }
});

describe('ways to send a picture', () => {
  const item = evalItem('ocr_017');
  const ways: [title: string, part: (fileId: string) => object][] = [
    ['an uploaded file as the URL', (fileId) => ({ type: 'image_url', image_url: { url: fileId } })],
    ['an uploaded file by file_id', (fileId) => ({ type: 'image_url', image_url: { file_id: fileId } })],
    ['a file part', (fileId) => ({ type: 'file', file: { file_id: fileId } })],
    ['an input_image', () => ({ type: 'input_image', image_url: dataUri(item.picture) })],
    ['detail high', () => ({ type: 'image_url', image_url: { url: dataUri(item.picture), detail: 'high' } })],
    ['its own size as resized_*', () => picturePart(item.picture, { resized_height: 56, resized_width: 168 })],
  ];
  for (const [title, part] of ways) {
    it(`answers about ${title}`, async () => {
      const fileId = await server.api.upload(item.picture);
      expect(await server.api.answer(question([part(fileId), textPart(item.prompt)]))).toBe(item.text);
    });
  }

  it('forgets a file that was deleted', async () => {
    const fileId = await server.api.upload(item.picture);
    await fetch(`${server.url}/v1/files/${fileId}`, { method: 'DELETE' });
    const { status, body } = await server.api.ask(question([{ type: 'file', file: { file_id: fileId } }]));
    expect(status).toBe(404);
    expect(body.error).toMatchObject({ code: 'file_not_found', param: 'messages[0].content[0].file.file_id' });
  });
});

describe('max_pixels and min_pixels', () => {
  const item = evalItem('color_005');

  it('decide how many tokens a picture costs', async () => {
    const part = picturePart(item.picture, { max_pixels: 4 * 784 });
    const { usage } = await server.api.complete(question([part, textPart(item.prompt)], { max_tokens: 1 }));
    expect(usage.prompt_tokens_details.image_tokens).toBeLessThanOrEqual(4);
  });

  it('are the price that /tokenize tells', async () => {
    const messages = [{ role: 'user', content: [picturePart(item.picture, { min_pixels: 8 * 784 }), textPart('?')] }];
    const { body } = await server.api.ask({ messages }, '/tokenize');
    const { usage } = await server.api.complete({ messages, max_tokens: 1 });
    expect(usage.prompt_tokens).toBe(body.count);
  });
});

describe('several pictures in one request', () => {
  const pictures = ['color_000', 'ocr_017', 'count_000'].map(evalItem);
  const content = [...pictures.map(({ picture }) => picturePart(picture)), textPart('What is in this image?')];

  it('are all counted', async () => {
    const { usage } = await server.api.complete(question(content));
    const expected = pictures.reduce((sum, { numImageTokens }) => sum + numImageTokens, 0);
    expect(usage.prompt_tokens_details.image_tokens).toBe(expected);
  });

  it('are seen in their order, in every way that they can be sent', async () => {
    const whole = await server.api.complete(question(content, { logprobs: true }));
    const fileIds = await Promise.all(pictures.map(({ picture }) => server.api.upload(picture)));
    const files = fileIds.map((file_id) => ({ type: 'file', file: { file_id } }));
    const byFile = await server.api.complete(question([...files, content.at(-1)], { logprobs: true }));
    expect(byFile.choices).toEqual(whole.choices);
    const turned = await server.api.complete(question([...files.reverse(), content.at(-1)], { logprobs: true }));
    expect(turned.choices[0]?.logprobs).not.toEqual(whole.choices[0]?.logprobs);
  });

  it('may be the same picture twice', async () => {
    const [first] = pictures;
    const parts = [picturePart(first!.picture), picturePart(first!.picture), textPart('What is in this image?')];
    const { usage } = await server.api.complete(question(parts));
    expect(usage.prompt_tokens_details.image_tokens).toBe(2 * first!.numImageTokens);
  });

  it('may belong to earlier turns', async () => {
    const [first, second] = pictures as [EvalItem, EvalItem];
    const messages = [...ask(first).messages, { role: 'assistant', content: first.text }, ...ask(second).messages];
    const { usage } = await server.api.complete({ messages });
    expect(usage.prompt_tokens_details.image_tokens).toBe(first.numImageTokens + second.numImageTokens);
  });
});

describe('requests at the same time', () => {
  it('have the answers that they have alone', async () => {
    const asked = [...items.slice(0, 8), items[0]!];
    const answers = await Promise.all(asked.map((item) => server.api.answer(ask(item))));
    expect(answers).toEqual(asked.map(({ text }) => text));
  });

  it('share a new picture', async () => {
    const item = evalItem('color_009');
    const answers = await Promise.all(Array.from({ length: 9 }, () => server.api.answer(ask(item))));
    expect(new Set(answers)).toEqual(new Set([item.text]));
  });
});
