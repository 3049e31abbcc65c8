import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawPicture } from './testing/pictures.js';
import { say } from './testing/scripted-scheduler.js';
import { startTinyGateway, type TinyGateway } from './testing/tiny-gateway.js';
import { tinyProcessor } from './testing/tiny-processor.js';

const { tokenizer, generation } = tinyProcessor;

let tiny: TinyGateway;
let openai: OpenAI;
beforeAll(async () => {
  tiny = await startTinyGateway({ script: say([...tokenizer.encodeText('a red circle'), generation.eosTokenIds[0]!]) });
  openai = new OpenAI({ baseURL: `${tiny.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => tiny.gateway.close());

describe('the openai package', () => {
  it('asks about an uploaded picture', async () => {
    const file = await openai.files.create({
      file: await toFile(await drawPicture(84, 84), 'circle.png'),
      purpose: 'vision',
    });
    const answer = await openai.chat.completions.create({
      model: 'tiny',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: file.id } }] }],
    });
    expect(answer.choices[0]!.message.content).toBe('a red circle');
    expect((await openai.files.delete(file.id)).deleted).toBe(true);
  });

  it('reads a stream with usage', async () => {
    const stream = await openai.chat.completions.create({
      model: 'tiny',
      messages: [{ role: 'user', content: 'What?' }],
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let numTokens: number | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      numTokens = chunk.usage?.total_tokens ?? numTokens;
    }
    expect([text, numTokens]).toEqual(['a red circle', expect.any(Number)]);
  });

  it('understands errors and lists models', async () => {
    const asked = openai.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'x' }] });
    await expect(asked).rejects.toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
    expect((await openai.models.list()).data.map(({ id }) => id)).toEqual(['tiny']);
  });
});
