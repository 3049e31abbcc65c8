import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawPicture } from './testing/pictures.js';
import { say } from './testing/scripted-scheduler.js';
import { type JsonValue, picture, question, startTinyGateway, type TinyGateway } from './testing/tiny-gateway.js';
import { tinyProcessor } from './testing/tiny-processor.js';

let tiny: TinyGateway;
beforeAll(async () => {
  tiny = await startTinyGateway({ script: say([]) });
});
afterAll(() => tiny.gateway.close());

const get = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(tiny.url + path, init);
  return { status: response.status, headers: response.headers, body: (await response.json()) as JsonValue };
};

describe('the routes beside chat', () => {
  it('name the served model', async () => {
    const model = { id: 'tiny', object: 'model', created: 1_700_000_000, owned_by: 'tessera', max_model_len: 4096 };
    expect((await get('/v1/models')).body).toEqual({ object: 'list', data: [model] });
    expect((await get('/v1/models/tiny')).body).toEqual(model);
    expect(await get('/v1/models/other/one')).toMatchObject({
      status: 404,
      body: { error: { code: 'model_not_found' } },
    });
  });

  it('tell whether the process lives and is ready', async () => {
    expect((await get('/health/live')).status).toBe(200);
    const { description } = tiny.scheduler;
    await expect.poll(() => get('/health/ready')).toMatchObject({ status: 200, body: { status: 'ready' } });
    tiny.scheduler.description = { ...description, isReady: false, waitingFor: 'a rank group' };
    const notReady = { status: 503, body: { status: 'not_ready', reason: 'waiting for a rank group' } };
    await expect.poll(() => get('/health/ready')).toMatchObject(notReady);
    expect((await get('/v1/models')).status).toBe(200);
    tiny.scheduler.description = description;
    await expect.poll(() => get('/health/ready')).toMatchObject({ status: 200 });
  });

  it('measure', async () => {
    await tiny.ask(question([picture(await drawPicture(10, 20))]));
    const metrics = async () => (await fetch(`${tiny.url}/metrics`)).text();
    for (const line of [
      'tessera_gateway_requests_total{route="/v1/chat/completions",status="200",reason="ok"} 1',
      'tessera_gateway_images_total 1',
      'tessera_gateway_image_pixels_total 200',
      'tessera_gateway_prompt_tokens_total{kind="image"} 6',
      'nodejs_eventloop_lag_seconds',
    ]) {
      await expect.poll(metrics).toContain(line);
    }
  });

  it('describe themselves', async () => {
    const { body } = await get('/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    const chat = body.paths['/v1/chat/completions'].post.requestBody.content['application/json'].schema;
    expect(chat).toMatchObject({ additionalProperties: false, required: ['messages'] });
    expect((await get('/')).body).toMatchObject({ name: 'tessera', model: 'tiny' });
  });

  it('answer 404 for an unknown path and 405 for a wrong method, in the shape of all errors', async () => {
    expect(await get('/v1/nothing')).toMatchObject({ status: 404, body: { error: { code: 'route_not_found' } } });
    const { status, headers, body } = await get('/v1/chat/completions');
    expect([status, headers.get('allow'), body.error.code]).toEqual([405, 'POST', 'route_not_found']);
    expect((await get('/v1/files/file-x', { method: 'PUT' })).headers.get('allow')).toBe('GET, HEAD, DELETE');
    expect((await get('/v1/models/a/b', { method: 'PUT' })).status).toBe(405);
  });

  it('answer 400 for a path that cannot be decoded', async () => {
    expect(await get('/v1/models/%zz')).toMatchObject({ status: 400, body: { error: { code: 'invalid_field' } } });
  });

  it("carry the client's request id, or one of ours when it is odd", async () => {
    const idOf = async (given: string) =>
      (await get('/health/live', { headers: { 'x-request-id': given } })).headers.get('x-request-id');
    expect(await idOf('trace-1.2:3')).toBe('trace-1.2:3');
    expect(await idOf('a b')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('/tokenize and /detokenize', () => {
  it('give the ids of a text, special tokens being plain text unless asked otherwise', async () => {
    const text = 'red <|im_end|>';
    const plain = await tiny.ask({ prompt: text, return_token_strs: true }, '/tokenize');
    expect(plain.body).toMatchObject({ tokens: tinyProcessor.tokenizer.encodeText(text), max_model_len: 4096 });
    expect(plain.body.count).toBe(plain.body.token_strs.length);
    expect(plain.body.token_strs.join('')).toBe(text);
    const special = await tiny.ask({ prompt: text, parse_special: true }, '/tokenize');
    expect(special.body).toMatchObject({ tokens: tinyProcessor.tokenizer.encode(text), token_strs: null });
    expect((await tiny.ask({ tokens: special.body.tokens }, '/detokenize')).body).toEqual({ prompt: text });
  });

  it('give the ids of a conversation with pictures, as chat would send them', async () => {
    const conversation = question([picture(await drawPicture(84, 84)), { type: 'text', text: 'x' }]);
    const { body } = await tiny.ask(conversation, '/tokenize');
    await tiny.ask(conversation);
    expect(body.tokens).toEqual([...tiny.scheduler.requests.at(-1)!.tokenIds]);
  });

  const refusals = [
    ['/tokenize', {}, 'invalid_field', /prompt or messages/],
    ['/tokenize', { prompt: 'x', messages: [{ role: 'user', content: 'x' }] }, 'invalid_field', /prompt or messages/],
    ['/tokenize', { prompt: 'x', promt: 'y' }, 'unknown_field', /promt/],
    ['/detokenize', { tokens: [1, 100_000] }, 'invalid_field', /tokens\[1\]/],
    ['/detokenize', { tokens: 'x' }, 'invalid_field', /tokens/],
  ] as const;
  for (const [path, body, code, message] of refusals) {
    it(`refuse ${JSON.stringify(body)}`, async () => {
      expect(await tiny.ask(body, path)).toMatchObject({
        status: 400,
        body: { error: { code, message: expect.stringMatching(message) } },
      });
    });
  }
});

it('bad options fail at boot, by name', async () => {
  const start = (options: object) => startTinyGateway({ script: say([]), options });
  await expect(start({ maxImages: 0 })).rejects.toMatchObject({
    reason: 'invalid_option',
    message: expect.stringContaining('--max-images'),
  });
  for (const filesDir of ['/nowhere/at/all', fileURLToPath(import.meta.url)]) {
    await expect(start({ filesDir })).rejects.toMatchObject({
      reason: 'invalid_option',
      message: expect.stringMatching(/^--files-dir .* directory/),
    });
  }
  await expect(start({ maxPictures: 1 })).rejects.toMatchObject({ reason: 'invalid_option' });
});
