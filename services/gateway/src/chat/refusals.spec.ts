import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawBomb, drawPicture } from '../testing/pictures.js';
import { say } from '../testing/scripted-scheduler.js';
import { picture, question, startTinyGateway, type TinyGateway } from '../testing/tiny-gateway.js';

let tiny: TinyGateway;
beforeAll(async () => {
  tiny = await startTinyGateway({
    script: say([]),
    options: { maxImages: 2, maxBodyBytes: 400_000, maxJsonValues: 100_000, maxImagePixels: 1_000_000 },
  });
});
afterAll(() => tiny.gateway.close());

const refuse = async (body: unknown) => {
  const response = await tiny.post('/v1/chat/completions', body);
  return {
    status: response.status,
    ...((await response.json()) as { error: { code: string; param: string; message: string } }),
  };
};
const url = 'messages[0].content[0].image_url.url';
const link = (address: string) => ({ type: 'image_url', image_url: { url: address } });

describe('a body that cannot be read is refused', () => {
  const cases = [
    ['no JSON', '{"messages":', 400, 'invalid_json', /position 12/],
    ['JSON nested 50 000 deep', '['.repeat(50_000), 400, 'invalid_json', /200 levels/],
    ['invalid UTF-8', Buffer.from('{"messages":"\xff"}', 'latin1'), 400, 'invalid_utf8', /UTF-8/],
    ['more bytes than the limit', JSON.stringify(question('x'.repeat(400_000))), 413, 'body_too_large', /400000 bytes/],
    ['no bytes', '', 400, 'invalid_json', /empty/],
    ['too many values', `{"messages":[${'0,'.repeat(150_000)}0]}`, 400, 'invalid_json', /more than 100000 items/],
    ['an array', '[]', 400, 'invalid_field', /the body/],
  ] as const;
  for (const [what, body, status, code, message] of cases) {
    it(what, async () => {
      expect(await refuse(body)).toMatchObject({ status, error: { code, message: expect.stringMatching(message) } });
    });
  }

  it('left out, without a content type', async () => {
    const response = await fetch(`${tiny.url}/v1/chat/completions`, { method: 'POST' });
    const error = { code: 'invalid_json', message: 'the body is empty; it must be a JSON object' };
    expect([response.status, await response.json()]).toMatchObject([400, { error }]);
  });

  for (const charset of ['utf-8', 'UTF8', '"utf-8"']) {
    it(`but not for declaring ${charset}`, async () => {
      const headers = { 'content-type': `application/json; charset=${charset}` };
      const body = JSON.stringify(question('x'));
      const response = await fetch(`${tiny.url}/v1/chat/completions`, { method: 'POST', headers, body });
      expect(response.status).toBe(200);
    });
  }

  const refusedHeaders: Record<string, string>[] = [
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/json; charset=latin1' },
    { 'content-type': 'application/json; charset="utf-16"' },
    { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  ];
  for (const headers of refusedHeaders) {
    it(`sent with ${JSON.stringify(headers)}`, async () => {
      const response = await fetch(`${tiny.url}/v1/chat/completions`, { method: 'POST', headers, body: '{}' });
      expect([response.status, await response.json()]).toMatchObject([
        415,
        { error: { code: 'unsupported_content_type' } },
      ]);
    });
  }
});

const biases = (length: number) => Object.fromEntries(Array.from({ length }, (_, id) => [id, 1]));

describe('a field is refused by its path', () => {
  const ask = (fields: object) => question('x', fields);
  const cases: [string, object, string, string, RegExp][] = [
    ['an unknown field', ask({ temprature: 1 }), 'unknown_field', 'temprature', /not a known field/],
    [
      'an unknown field of a part',
      question([{ type: 'text', text: '', extra: 1 }]),
      'unknown_field',
      'messages[0].content[0].extra',
      /known/,
    ],
    ['no messages', {}, 'invalid_field', 'messages', /given nothing/],
    ['an empty conversation', { messages: [] }, 'invalid_field', 'messages', />=1/],
    [
      'a wrong type',
      ask({ temperature: 'hot' }),
      'invalid_field',
      'temperature',
      /^temperature: expected number, given "hot"$/,
    ],
    ['temperature out of range', ask({ temperature: 2.1 }), 'invalid_field', 'temperature', /<=2, given 2.1/],
    ['top_p of 0', ask({ top_p: 0 }), 'invalid_field', 'top_p', />0/],
    ['a negative top_k', ask({ top_k: -2 }), 'invalid_field', 'top_k', />=-1/],
    ['min_p above 1', ask({ min_p: 1.5 }), 'invalid_field', 'min_p', /<=1/],
    ['a presence penalty below −2', ask({ presence_penalty: -3 }), 'invalid_field', 'presence_penalty', />=-2/],
    ['a repetition penalty of 0', ask({ repetition_penalty: 0 }), 'invalid_field', 'repetition_penalty', />0/],
    ['max_tokens of 0', ask({ max_tokens: 0 }), 'invalid_field', 'max_tokens', />=1/],
    [
      'two different maxima',
      ask({ max_tokens: 1, max_completion_tokens: 2 }),
      'invalid_field',
      'max_tokens',
      /^max_tokens: differs from max_comp/,
    ],
    [
      'min_tokens above the maximum',
      ask({ max_tokens: 1, min_tokens: 2 }),
      'invalid_field',
      'min_tokens',
      /2 tokens.*the 1/,
    ],
    ['five stop strings', ask({ stop: ['a', 'b', 'c', 'd', 'e'] }), 'invalid_field', 'stop', /<=4/],
    ['an empty stop string', ask({ stop: '' }), 'invalid_field', 'stop', />=1/],
    ['21 top_logprobs', ask({ logprobs: true, top_logprobs: 21 }), 'invalid_field', 'top_logprobs', /<=20/],
    ['top_logprobs without logprobs', ask({ top_logprobs: 1 }), 'invalid_field', 'top_logprobs', /logprobs: true/],
    ['stream_options without stream', ask({ stream_options: {} }), 'invalid_field', 'stream_options', /stream: true/],
    ['a bias key that is no token id', ask({ logit_bias: { a: 1 } }), 'invalid_field', 'logit_bias.a', /token ids/],
    [
      'a bias outside the vocabulary',
      ask({ logit_bias: { 521: 1 } }),
      'invalid_field',
      'logit_bias.521',
      /token 521 is outside the vocabulary of 521 tokens/,
    ],
    ['1025 biases', ask({ logit_bias: biases(1025) }), 'invalid_field', 'logit_bias', /at most 1024/],
    [
      'a stop token outside the vocabulary',
      ask({ stop_token_ids: [1, 521] }),
      'invalid_field',
      'stop_token_ids[1]',
      /token 521 is outside the vocabulary of 521 tokens/,
    ],
    ['two choices', ask({ n: 2 }), 'unsupported_feature', 'n', /one choice/],
    [
      'a JSON format',
      ask({ response_format: { type: 'json_object' } }),
      'unsupported_feature',
      'response_format',
      /text/,
    ],
    ['tools', ask({ tools: [{ type: 'function' }] }), 'unsupported_feature', 'tools', /tools/],
    [
      'a tool message',
      { messages: [{ role: 'tool', content: '' }] },
      'unsupported_feature',
      'messages[0].role',
      /tools/,
    ],
    [
      'a video',
      question([{ type: 'video_url', video_url: { url: '' } }]),
      'unsupported_feature',
      'messages[0].content[0].type',
      /not supported/,
    ],
    ['an unknown role', { messages: [{ role: 'robot', content: '' }] }, 'invalid_field', 'messages[0].role', /'user'/],
    [
      'a prompt over the context',
      question('0 '.repeat(5000)),
      'context_length_exceeded',
      'messages',
      /the context holds 4096/,
    ],
    [
      'a text that no tokenisation fits',
      question('x'.repeat(300_000)),
      'context_length_exceeded',
      'messages',
      /the context holds 4096/,
    ],
  ];
  for (const [what, body, code, param, message] of cases) {
    it(what, async () => {
      expect(await refuse(body)).toMatchObject({
        status: 400,
        error: { code, param, message: expect.stringMatching(message) },
      });
    });
  }

  it('another model, with 404', async () => {
    expect(await refuse(ask({ model: 'gpt-4o' }))).toMatchObject({
      status: 404,
      error: { code: 'model_not_found', param: 'model' },
    });
  });

  it('takes null for an absent field', async () => {
    const nulls = {
      model: null,
      temperature: null,
      stop: null,
      tools: null,
      n: null,
      stream_options: null,
      response_format: null,
    };
    const response = await tiny.post('/v1/chat/completions', ask(nulls));
    expect(response.status).toBe(200);
  });
});

describe('a picture is refused by the path of its part', () => {
  const png = () => drawPicture(28, 28);
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  const cases: [string, () => Promise<unknown[]>, string, string, RegExp][] = [
    [
      'no image',
      async () => [picture(Buffer.from('hello there'))],
      'unsupported_media_type',
      url,
      /PNG, JPEG, WebP or GIF/,
    ],
    ['nothing', async () => [picture(Buffer.of())], 'unsupported_media_type', url, /empty/],
    ['SVG', async () => [picture(svg)], 'unsupported_media_type', url, /SVG/],
    [
      'a PNG cut off in its header',
      async () => [picture((await png()).subarray(0, 20))],
      'media_undecodable',
      url,
      /header/,
    ],
    [
      'a JPEG cut off in its header',
      async () => [picture((await drawPicture(28, 28, 'jpeg')).subarray(0, 30))],
      'media_undecodable',
      url,
      /header/,
    ],
    ['1 × 201 pixels', async () => [picture(await drawPicture(1, 201))], 'media_aspect_ratio', url, /200/],
    [
      'a header of 30 000 × 30 000',
      async () => [picture(await drawBomb())],
      'media_too_large',
      url,
      /30000 × 30000 = 900000000.*1000000/,
    ],
    [
      'one more than the limit',
      async () => Array(3).fill(picture(await png())),
      'too_many_images',
      'messages[0].content[2]',
      /3 images.*2/,
    ],
    ['bad base64', async () => [link('data:image/png;base64,iVBO*w==')], 'invalid_base64', url, /"\*" at position 4/],
    ['a file: URL', async () => [link('file:///etc/passwd')], 'invalid_media_url', url, /file: URLs are not fetched/],
    [
      'an http: URL',
      async () => [link('http://127.0.0.1/a.png')],
      'invalid_media_url',
      url,
      /http: URLs are not fetched/,
    ],
    [
      'an https: URL',
      async () => [link('https://host/a.png')],
      'invalid_media_url',
      url,
      /https: URLs are not fetched/,
    ],
    [
      'min_pixels above max_pixels',
      async () => [picture(await png(), { min_pixels: 9000, max_pixels: 8000 })],
      'invalid_field',
      'messages[0].content[0].min_pixels',
      /: 9000 is above max_pixels, 8000$/,
    ],
    [
      "max_pixels below the checkpoint's least",
      async () => [picture(await png(), { max_pixels: 784 })],
      'invalid_field',
      'messages[0].content[0].max_pixels',
      /: 784 is below the checkpoint's min_pixels, 3136$/,
    ],
    [
      'max_pixels beyond all bounds',
      async () => [picture(await png(), { max_pixels: 1e9 })],
      'invalid_field',
      'messages[0].content[0].max_pixels',
      /<=12845056/,
    ],
    [
      'one side of a size',
      async () => [picture(await png(), { resized_width: 56 })],
      'invalid_field',
      'messages[0].content[0].resized_height',
      /together/,
    ],
    [
      'an unknown detail',
      async () => [{ type: 'image_url', image_url: { url: 'file-a', detail: 'ultra' } }],
      'invalid_field',
      'messages[0].content[0].image_url.detail',
      /low/,
    ],
    [
      'url and file_id at once',
      async () => [{ type: 'image_url', image_url: { url: 'file-a', file_id: 'file-b' } }],
      'invalid_field',
      'messages[0].content[0].image_url',
      /either/,
    ],
  ];
  for (const [what, parts, code, param, message] of cases) {
    it(what, async () => {
      expect(await refuse(question(await parts()))).toMatchObject({
        status: 400,
        error: { code, param, message: expect.stringMatching(message) },
      });
      expect(tiny.scheduler.requests.filter(({ segments }) => segments.some(({ kind }) => kind === 'image'))).toEqual(
        [],
      );
    });
  }

  for (const part of [
    { type: 'image_url', image_url: { file_id: 'file-none' } },
    { type: 'file', file: { file_id: 'file-none' } },
  ]) {
    it(`a file id that nobody has, in ${part.type}`, async () => {
      expect(await refuse(question([part]))).toMatchObject({
        status: 404,
        error: { code: 'file_not_found', message: /file-none/ },
      });
    });
  }
});

it('reads on when a body is too large, so that a client which only writes still gets its answer', async () => {
  const { port, hostname } = new URL(tiny.url);
  const socket = connect(Number(port), hostname);
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 700000\r\n\r\n`;
  socket.write(head);
  for (let i = 0; i < 7; i++) socket.write(Buffer.alloc(100_000, 32));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) {
    chunks.push(chunk);
    if (Buffer.concat(chunks).includes('body_too_large')) break;
  }
  expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1.1 413 /);
});
