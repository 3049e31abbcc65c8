import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ask, evalItem } from './support/eval-items.js';
import { readMetrics } from './support/metrics.js';
import { drawJpegBomb, drawNoise, drawPlain, drawPngBomb } from './support/pictures.js';
import { picturePart, question, textPart } from './support/questions.js';
import { type Server, startServer } from './support/start-server.js';

const maxBodyBytes = 4_000_000;
const maxImages = 3;

let server: Server;
beforeAll(async () => {
  server = await startServer({ 'max-body-bytes': maxBodyBytes, 'max-images': maxImages });
});
afterAll(() => server?.stop());

/** Every refusal leaves a server that answers. */
afterEach(async () => {
  const { choices } = await server.api.complete(question('hello', { max_tokens: 2 }));
  expect(choices[0]?.message.content).toBe('I a');
});

interface Refusal {
  readonly title: string;
  readonly body: object | string | Uint8Array | (() => Promise<object>);
  readonly status?: number;
  readonly code: string;
  /** Path of the field; null when it is the body as a whole. */
  readonly param: string | null;
  readonly message: RegExp;
}

function itRefuses(refusals: readonly Refusal[]): void {
  for (const { title, body, status = 400, code, param, message } of refusals) {
    it(`refuses ${title}`, async () => {
      const reply = await server.api.ask(typeof body === 'function' ? await body() : body);
      expect(reply).toMatchObject({ status, body: { error: { type: 'invalid_request_error', code, param } } });
      expect(reply.body.error.message).toMatch(message);
      expect(Object.keys(reply.body.error).sort()).toEqual(['code', 'message', 'param', 'type']);
      expect(reply.headers.get('content-type')).toMatch(/^application\/json/);
      expect(reply.headers.get('x-request-id')).toBeTruthy();
    });
  }
}

const url = 'messages[0].content[0].image_url.url';
const about = async (picture: Promise<Uint8Array> | Uint8Array, fields: object = {}) =>
  question([picturePart(await picture, fields), textPart('What is this?')]);
const half = async (picture: Promise<Buffer>) => {
  const bytes = await picture;
  return bytes.subarray(0, bytes.length / 2);
};

describe('a broken picture', () => {
  const broken = { code: 'media_undecodable', param: url } as const;
  itRefuses([
    ...(['png', 'jpeg', 'webp', 'gif'] as const).map((format) => ({
      ...broken,
      title: `half a ${format}`,
      body: () => about(half(drawNoise(120, 90, format))),
      message: /image_url\.url: .*(cut off or broken|header cannot be read): \w/,
    })),
    {
      ...broken,
      title: 'a PNG cut off in its header',
      body: async () => about((await drawPlain(9, 9)).subarray(0, 20)),
      message: /header cannot be read/,
    },
    {
      ...broken,
      title: 'a PNG that claims more rows than it has',
      body: () => about(drawPngBomb(900, 900)),
      message: /cut off or broken/,
    },
  ]);
});

describe('what is no picture', () => {
  const none = { code: 'unsupported_media_type', param: url } as const;
  const accepted = /must be PNG, JPEG, WebP or GIF/;
  itRefuses([
    { ...none, title: 'a text', body: () => about(Buffer.from('this is no picture')), message: accepted },
    { ...none, title: 'nothing', body: () => about(Buffer.of()), message: /it is empty/ },
    {
      ...none,
      title: 'an SVG',
      body: () => about(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')),
      message: /it is SVG/,
    },
    { ...none, title: 'a PDF', body: () => about(Buffer.from('%PDF-1.7\n1 0 obj\n')), message: accepted },
  ]);

  it('refuses an uploaded file that is no picture', async () => {
    const fileId = await server.api.upload(Buffer.from('<svg/>'));
    const { status, body } = await server.api.ask(question([{ type: 'file', file: { file_id: fileId } }]));
    expect(status).toBe(400);
    expect(body.error).toMatchObject({
      code: 'unsupported_media_type',
      param: 'messages[0].content[0].file.file_id',
    });
  });
});

describe('a picture of impossible size', () => {
  const tooLarge = { code: 'media_too_large', param: url, message: /30000 × 30000 .* the limit is 100000000/ } as const;
  itRefuses([
    { ...tooLarge, title: 'a JPEG header of 30 000 × 30 000', body: () => about(drawJpegBomb(30_000, 30_000)) },
    { ...tooLarge, title: 'a PNG header of 30 000 × 30 000', body: () => about(drawPngBomb(30_000, 30_000)) },
    {
      title: 'a picture of 1 × 201 pixels',
      body: () => about(drawPlain(1, 201)),
      code: 'media_aspect_ratio',
      param: url,
      message: /1 × 201 pixels .*200/,
    },
    {
      title: 'a picture of 201 × 1 pixels',
      body: () => about(drawPlain(201, 1)),
      code: 'media_aspect_ratio',
      param: url,
      message: /201 × 1 pixels .*200/,
    },
  ]);

  it('refuses 200 such headers at once without their memory', async () => {
    const bomb = picturePart(await drawPngBomb(30_000, 30_000));
    const rssBytes = async () => (await readMetrics(server.api)).get('process_resident_memory_bytes')!;
    const before = await rssBytes();
    const replies = await Promise.all(Array.from({ length: 200 }, () => server.api.ask(question([bomb]))));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([400]));
    // One of them decoded would take 2 700 000 000 bytes.
    expect((await rssBytes()) - before).toBeLessThan(200e6);
  });
});

describe('references to pictures', () => {
  const withUrl = (value: unknown) => question([{ type: 'image_url', image_url: { url: value } }]);
  const notFetched = {
    code: 'invalid_media_url',
    param: url,
    message: /URLs are not fetched; give a base64 data: URI/,
  };
  itRefuses([
    { ...notFetched, title: 'a file: URL', body: withUrl('file:///etc/passwd') },
    { ...notFetched, title: 'an http: URL', body: withUrl('http://127.0.0.1/a.png') },
    { ...notFetched, title: 'an https: URL', body: withUrl('https://example.com/a.png') },
    {
      title: 'a data: URI without base64',
      body: withUrl('data:image/png,abcd'),
      code: 'invalid_media_url',
      param: url,
      message: /data:<type>;base64,<data>/,
    },
    {
      title: 'bad base64',
      body: withUrl('data:image/png;base64,iVB!RwAA'),
      code: 'invalid_base64',
      param: url,
      message: /unexpected "!" at position 3/,
    },
    {
      title: 'base64 of a wrong length',
      body: withUrl('data:image/png;base64,iVBOR'),
      code: 'invalid_base64',
      param: url,
      message: /length 5/,
    },
    {
      title: 'an unknown file',
      body: withUrl('file-0123'),
      status: 404,
      code: 'file_not_found',
      param: url,
      message: /file-0123/,
    },
    {
      title: 'more pictures than --max-images',
      body: async () => question(Array(maxImages + 1).fill(picturePart(await drawPlain(9, 9)))),
      code: 'too_many_images',
      param: 'messages[0].content[3]',
      message: /4 images, the limit is 3/,
    },
    {
      title: 'a picture in a system message',
      body: async () => ({ messages: [{ role: 'system', content: [picturePart(await drawPlain(9, 9))] }] }),
      code: 'invalid_field',
      param: 'messages[0].content[0].type',
      message: /pictures belong to messages of the role 'user'/,
    },
  ]);
});

describe('sizes to see a picture at', () => {
  const part = 'messages[0].content[0]';
  const sized = (fields: object) => () => about(drawPlain(60, 60), fields);
  itRefuses([
    {
      title: 'min_pixels above max_pixels',
      body: sized({ min_pixels: 2000, max_pixels: 1000 }),
      code: 'invalid_field',
      param: `${part}.min_pixels`,
      message: /: 2000 is above max_pixels, 1000$/,
    },
    {
      title: "min_pixels above the checkpoint's max_pixels",
      body: sized({ min_pixels: 28_225 }),
      code: 'invalid_field',
      param: `${part}.min_pixels`,
      message: /: 28225 is above max_pixels, 28224$/,
    },
    {
      title: 'max_pixels below one token',
      body: sized({ max_pixels: 783 }),
      code: 'invalid_field',
      param: `${part}.max_pixels`,
      message: />=784, given 783/,
    },
    {
      title: 'max_pixels as text',
      body: sized({ max_pixels: '784' }),
      code: 'invalid_field',
      param: `${part}.max_pixels`,
      message: /expected number.*given "784"/,
    },
    {
      title: 'one side of a size',
      body: sized({ resized_height: 56 }),
      code: 'invalid_field',
      param: `${part}.resized_height`,
      message: /goes together with/,
    },
    {
      title: 'an unknown detail',
      body: question([{ type: 'image_url', image_url: { url: 'file-x', detail: 'ultra' } }]),
      code: 'invalid_field',
      param: 'messages[0].content[0].image_url.detail',
      message: /"low"\|"high"\|"auto"/,
    },
  ]);
});

describe('wrong types, ranges and names', () => {
  const fields: [fields: object, param: string, message: RegExp, code?: string][] = [
    [{ temperature: 'hot' }, 'temperature', /expected number.*given "hot"/],
    [{ temperature: 2.1 }, 'temperature', /<=2, given 2.1/],
    [{ top_p: 0 }, 'top_p', />0, given 0/],
    [{ top_k: -2 }, 'top_k', />=-1, given -2/],
    [{ min_p: 1.5 }, 'min_p', /<=1, given 1.5/],
    [{ max_tokens: 0 }, 'max_tokens', />=1, given 0/],
    [{ max_tokens: 1.5 }, 'max_tokens', /expected int.*given 1.5/],
    [{ max_tokens: 1, max_completion_tokens: 2 }, 'max_tokens', /differs from/],
    [{ max_tokens: 2, min_tokens: 3 }, 'min_tokens', /3 tokens are more than the 2/],
    [{ presence_penalty: -3 }, 'presence_penalty', />=-2, given -3/],
    [{ frequency_penalty: 3 }, 'frequency_penalty', /<=2, given 3/],
    [{ repetition_penalty: 0 }, 'repetition_penalty', />0, given 0/],
    [{ logit_bias: { 5: 101 } }, 'logit_bias.5', /<=100, given 101/],
    [{ logit_bias: { x: 1 } }, 'logit_bias.x', /keys are token ids/],
    [{ logit_bias: { 521: 1 } }, 'logit_bias.521', /vocabulary of 521 tokens/],
    [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop', /<=4 items, given an array of 5/],
    [{ stop: '' }, 'stop', />=1 characters/],
    [{ stop_token_ids: [521] }, 'stop_token_ids[0]', /vocabulary of 521 tokens/],
    [{ seed: -1 }, 'seed', />=0, given -1/],
    [{ top_logprobs: 3 }, 'top_logprobs', /needs logprobs: true/],
    [{ logprobs: true, top_logprobs: 21 }, 'top_logprobs', /<=20, given 21/],
    [{ stream: 'yes' }, 'stream', /expected boolean.*given "yes"/],
    [{ stream_options: {} }, 'stream_options', /needs stream: true/],
    [{ n: 2 }, 'n', /only one choice/, 'unsupported_feature'],
    [{ tools: [{}] }, 'tools', /tools are not supported/, 'unsupported_feature'],
    [{ response_format: { type: 'json_object' } }, 'response_format', /only .*text/, 'unsupported_feature'],
    [{ temprature: 1 }, 'temprature', /not a known field/, 'unknown_field'],
  ];
  itRefuses(
    fields.map(([given, param, message, code = 'invalid_field']) => ({
      title: JSON.stringify(given),
      body: question('hello', given),
      code,
      param,
      message,
    })),
  );

  const messages: [messages: unknown, param: string, message: RegExp, code?: string][] = [
    [undefined, 'messages', /expected array.*given nothing/],
    [[], 'messages', />=1 items/],
    [{}, 'messages', /expected array.*given an object/],
    [[{ role: 'robot', content: '' }], 'messages[0].role', /'assistant', given "robot"/],
    [[{ role: 'tool', content: '' }], 'messages[0].role', /not supported/, 'unsupported_feature'],
    [[{ role: 'user', content: 5 }], 'messages[0].content', /expected string or array, given 5/],
    [[{ role: 'user', content: [{ type: 'sound' }] }], 'messages[0].content[0].type', /'file', given "sound"/],
    [
      [{ role: 'user', content: [{ type: 'video_url' }] }],
      'messages[0].content[0].type',
      /not supported/,
      'unsupported_feature',
    ],
    [
      [{ role: 'user', content: [{ type: 'text', text: '', bold: true }] }],
      'messages[0].content[0].bold',
      /not a known field/,
      'unknown_field',
    ],
  ];
  itRefuses(
    messages.map(([given, param, message, code = 'invalid_field']) => ({
      title: `messages ${JSON.stringify(given)}`,
      body: { messages: given },
      code,
      param,
      message,
    })),
  );

  itRefuses([
    {
      title: 'another model',
      body: question('hello', { model: 'gpt-4o' }),
      status: 404,
      code: 'model_not_found',
      param: 'model',
      message: /"gpt-4o".*"tessera-tiny" is served/,
    },
    {
      title: 'a prompt over the context',
      body: question('word '.repeat(2000)),
      code: 'context_length_exceeded',
      param: 'messages',
      message: /at least \d+ tokens .* the context holds 4096/,
    },
  ]);
});

describe('the body as a whole', () => {
  const json = { code: 'invalid_json', param: null };
  const start = '{"messages":[{"role":"user","content":"';
  itRefuses([
    { ...json, title: 'an empty body', body: '', message: /empty/ },
    { ...json, title: 'a body cut off', body: start, message: /unexpected end at position 39/ },
    { ...json, title: 'NaN', body: '{"temperature":NaN}', message: /unexpected "N" at position 15/ },
    { ...json, title: 'arrays 50 000 deep', body: nested('[', ']'), message: /deeper than 200/ },
    { ...json, title: 'objects 50 000 deep', body: nested('{"a":', '}'), message: /deeper than 200/ },
    { ...json, title: 'depth in a field', body: `{"messages":${nested('[', ']')}}`, message: /deeper than 200/ },
    {
      title: 'an array',
      body: '[]',
      code: 'invalid_field',
      param: null,
      message: /the body: .*expected object/,
    },
    {
      title: 'invalid UTF-8',
      body: Buffer.concat([Buffer.from(start), Buffer.of(0xc3, 0x28), Buffer.from('"}]}')]),
      code: 'invalid_utf8',
      param: null,
      message: /not valid UTF-8/,
    },
    {
      title: 'a body above --max-body-bytes',
      body: `${start}${'x'.repeat(maxBodyBytes)}"}]}`,
      status: 413,
      code: 'body_too_large',
      param: null,
      message: /limit of 4000000 bytes/,
    },
  ]);

  it('refuses another content type, naming the right one', async () => {
    const reply = await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body: 'messages=hello' });
    expect(reply.status).toBe(415);
    expect(await reply.json()).toMatchObject({
      error: {
        code: 'unsupported_content_type',
        message: expect.stringMatching(/^text\/plain\S* .*send application\/json/),
      },
    });
  });

  function nested(open: string, close: string): string {
    return `${open.repeat(50_000)}1${close.repeat(50_000)}`;
  }
});

describe('a refusal amid good requests', () => {
  it('harms none of them', async () => {
    const item = evalItem('ocr_017');
    const broken = await about(half(drawNoise(90, 90, 'png')));
    const bodies = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? ask(item) : broken));
    const replies = await Promise.all(bodies.map((body) => server.api.ask(body)));
    expect(replies.map(({ status }) => status)).toEqual(bodies.map((body) => (body === broken ? 400 : 200)));
    for (const { status, body } of replies) {
      if (status === 200) expect(body.choices[0].message.content).toBe(item.text);
    }
  });
});
