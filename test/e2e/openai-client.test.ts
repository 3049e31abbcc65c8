import OpenAI, { APIError, NotFoundError, toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evalItem } from './support/eval-items.js';
import { expectToHold, readHoldings } from './support/metrics.js';
import { dataUri } from './support/questions.js';
import { type Server, startServer } from './support/start-server.js';

let server: Server;
let client: OpenAI;
beforeAll(async () => {
  server = await startServer();
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'unused', maxRetries: 0 });
});
afterAll(() => server?.stop());

const model = 'tessera-tiny';
const item = evalItem('table_001');
const messages: OpenAI.ChatCompletionMessageParam[] = [
  {
    role: 'user',
    content: [
      { type: 'image_url', image_url: { url: dataUri(item.picture), detail: 'auto' } },
      { type: 'text', text: item.prompt },
    ],
  },
];

describe('the openai package', () => {
  it('asks about a picture', async () => {
    const completion = await client.chat.completions.create({ model, messages });
    expect(completion.choices[0]?.message.content).toBe(item.text);
    expect(completion.usage?.completion_tokens).toBe(item.numAnswerTokens + 1);
    expect(completion._request_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('streams', async () => {
    const stream = await client.chat.completions.create({
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let numTotalTokens = 0;
    for await (const { choices, usage } of stream) {
      text += choices[0]?.delta.content ?? '';
      numTotalTokens = usage?.total_tokens ?? numTotalTokens;
    }
    expect(text).toBe(item.text);
    expect(numTotalTokens).toBeGreaterThan(item.numImageTokens + item.numAnswerTokens);
  });

  it('puts a stream together by its own helper, log-probabilities included', async () => {
    const stream = client.chat.completions.stream({ model, messages, logprobs: true, top_logprobs: 1 });
    const completion = await stream.finalChatCompletion();
    expect(completion.choices[0]?.message.content).toBe(item.text);
    expect(completion.choices[0]?.logprobs?.content).toHaveLength(item.numAnswerTokens);
  });

  it('stops a stream that it has seen enough of', async () => {
    const idle = await readHoldings(server.api);
    const stream = await client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'hello' }],
      max_tokens: 3000,
      stream: true,
      ...{ ignore_eos: true },
    });
    for await (const _ of stream) break;
    await expectToHold(server.api, idle);
  });

  it('uploads, lists, shows, downloads and deletes files, and asks about one', async () => {
    const file = await client.files.create({ file: await toFile(item.picture, 'table.png'), purpose: 'vision' });
    expect(file).toMatchObject({ object: 'file', bytes: item.picture.length, filename: 'table.png' });
    expect(await client.files.retrieve(file.id)).toEqual(file);
    const listed: string[] = [];
    for await (const { id } of client.files.list({ limit: 1 })) listed.push(id);
    expect(listed).toContain(file.id);
    const content = await client.files.content(file.id);
    expect(item.picture.equals(Buffer.from(await content.arrayBuffer()))).toBe(true);
    const completion = await client.chat.completions.create({
      model,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'file', file: { file_id: file.id } },
            { type: 'text', text: item.prompt },
          ],
        },
      ],
    });
    expect(completion.choices[0]?.message.content).toBe(item.text);
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: 'file', deleted: true });
    await expect(client.files.retrieve(file.id)).rejects.toBeInstanceOf(NotFoundError);
  });

  it('lists models', async () => {
    const ids: string[] = [];
    for await (const { id } of client.models.list()) ids.push(id);
    expect(ids).toEqual([model]);
    expect((await client.models.retrieve(model)).id).toBe(model);
  });

  it('throws its own error, with what the server says', async () => {
    const asking = client.chat.completions.create({ model, messages, temperature: 9 });
    await expect(asking).rejects.toBeInstanceOf(APIError);
    await expect(asking).rejects.toMatchObject({
      status: 400,
      code: 'invalid_field',
      param: 'temperature',
      type: 'invalid_request_error',
      message: expect.stringMatching(/<=2, given 9/),
    });
  });
});
