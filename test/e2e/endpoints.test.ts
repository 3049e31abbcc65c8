import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, evalItem } from './support/eval-items.js';
import { readMetrics } from './support/metrics.js';
import { question } from './support/questions.js';
import { type Server, startServer } from './support/start-server.js';

let server: Server;
beforeAll(async () => {
  server = await startServer({ 'served-model-name': 'org/tiny', 'generation-config': 'none' });
});
afterAll(() => server?.stop());

describe('/v1/models', () => {
  it('names the served model as it was told to', async () => {
    const { body } = await server.api.get('/v1/models');
    expect(body.data).toMatchObject([{ id: 'org/tiny', object: 'model', owned_by: 'tessera', max_model_len: 4096 }]);
    expect((await server.api.get('/v1/models/org/tiny')).body).toEqual(body.data[0]);
    expect((await server.api.get('/v1/models/other')).status).toBe(404);
  });

  it('is the name that requests give', async () => {
    const { model } = await server.api.complete(question('hello', { model: 'org/tiny', max_tokens: 1 }));
    expect(model).toBe('org/tiny');
  });
});

describe('--generation-config none', () => {
  it('samples at temperature 1 where the checkpoint would be greedy', async () => {
    // What the model says after the end that it was taught is open.
    const open = { seed: 1, ignore_eos: true, max_tokens: 200 };
    const answer = (fields: object) => server.api.answer(question('hello', { ...open, ...fields }));
    const [given, hot, greedy] = await Promise.all([
      answer({}),
      answer({ temperature: 1 }),
      answer({ temperature: 0 }),
    ]);
    expect(given).toBe(hot);
    expect(given).not.toBe(greedy);
  });
});

describe('/tokenize and /detokenize', () => {
  const texts = [
    'hello world',
    '',
    ' \t\n\n  x',
    'Ünïcödé ß 漢字 🙂👩‍👩‍👧',
    '<|im_end|> <|image_pad|>',
    "it's 3.14…\r\n",
    '\u0000\u001b',
  ];
  for (const text of texts) {
    it(`give ${JSON.stringify(text)} back`, async () => {
      const { body } = await server.api.ask({ prompt: text, return_token_strs: true }, '/tokenize');
      expect(body.count).toBe(body.tokens.length);
      expect(body.token_strs).toHaveLength(body.count);
      expect((await server.api.ask({ tokens: body.tokens }, '/detokenize')).body).toEqual({ prompt: text });
    });
  }

  it('tell what a conversation costs, special tokens and pictures included', async () => {
    const item = evalItem('color_005');
    const { body } = await server.api.ask(ask(item), '/tokenize');
    const { usage } = await server.api.complete({ ...ask(item), max_tokens: 1 });
    expect(body).toMatchObject({ count: usage.prompt_tokens, max_model_len: 4096 });
    const { body: back } = await server.api.ask({ tokens: body.tokens, skip_special_tokens: true }, '/detokenize');
    expect(back.prompt).toContain(item.prompt);
    expect(back.prompt).not.toContain('<|');
  });
});

describe('/health', () => {
  it('tells that the server lives and is ready', async () => {
    expect(await server.api.get('/health/live')).toMatchObject({ status: 200 });
    expect(await server.api.get('/health/ready')).toMatchObject({ status: 200, body: { status: 'ready' } });
  });
});

describe('/metrics', () => {
  it("is Prometheus' text format, every metric with help and type", async () => {
    const response = await fetch(`${server.url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = (await response.text()).split('\n').filter((line) => line !== '');
    const described = new Set<string>();
    for (const line of lines) {
      const comment = /^# (HELP|TYPE) (\w+) (.+)$/.exec(line);
      if (comment) described.add(`${comment[1]} ${comment[2]}`);
      else expect(line).toMatch(/^[a-z_]\w*(\{(\w+="[^"]*",?)+\})? (NaN|[+-]Inf|-?[\d.]+(e[+-]?\d+)?)$/);
    }
    for (const name of lines.filter((line) => !line.startsWith('#')).map((line) => /^\w+/.exec(line)![0])) {
      const base = name.replace(/_(bucket|sum|count)$/, '');
      expect(described.has(`HELP ${name}`) || described.has(`HELP ${base}`), name).toBe(true);
      expect(described.has(`TYPE ${name}`) || described.has(`TYPE ${base}`), name).toBe(true);
    }
  });

  it('counts what a request cost', async () => {
    const item = evalItem('ocr_005');
    const before = await readMetrics(server.api);
    const { usage } = await server.api.complete({ ...ask(item), temperature: 0 });
    const counts = {
      'tessera_gateway_prompt_tokens_total{kind="image"}': usage.prompt_tokens_details.image_tokens,
      'tessera_gateway_prompt_tokens_total{kind="text"}': usage.prompt_tokens_details.text_tokens,
      tessera_gateway_output_tokens_total: usage.completion_tokens,
      tessera_gateway_images_total: 1,
      tessera_gateway_image_pixels_total: 112 * 56,
    };
    const after = await readMetrics(server.api);
    for (const [name, count] of Object.entries(counts)) {
      expect(after.get(name)! - (before.get(name) ?? 0), name).toBe(count);
    }
  });
});

describe('/openapi.json', () => {
  it('describes every route that is served', async () => {
    const { body } = await server.api.get('/openapi.json');
    expect(body.openapi).toMatch(/^3\.1\./);
    expect(Object.keys(body.paths).sort()).toEqual([
      '/detokenize',
      '/health/live',
      '/health/ready',
      '/metrics',
      '/tokenize',
      '/v1/chat/completions',
      '/v1/files',
      '/v1/files/{file_id}',
      '/v1/files/{file_id}/content',
      '/v1/models',
      '/v1/models/{model}',
    ]);
    const chat = body.paths['/v1/chat/completions'].post.requestBody.content['application/json'].schema;
    expect(chat.required).toEqual(['messages']);
    expect(chat.properties.temperature).toBeDefined();
  });
});

describe('/v1/files', () => {
  it('keeps a file until it is deleted, byte for byte', async () => {
    const { picture } = evalItem('ocr_001');
    const id = await server.api.upload(picture, 'ünï.png');
    expect((await server.api.get(`/v1/files/${id}`)).body).toMatchObject({
      id,
      object: 'file',
      bytes: picture.length,
      filename: 'ünï.png',
      purpose: 'vision',
    });
    const content = await fetch(`${server.url}/v1/files/${id}/content`);
    expect(picture.equals(Buffer.from(await content.arrayBuffer()))).toBe(true);
    expect((await server.api.get('/v1/files')).body.data.map((file: { id: string }) => file.id)).toContain(id);
    const deleted = await fetch(`${server.url}/v1/files/${id}`, { method: 'DELETE' });
    expect(await deleted.json()).toEqual({ id, object: 'file', deleted: true });
    expect((await server.api.get(`/v1/files/${id}`)).status).toBe(404);
  });
});
