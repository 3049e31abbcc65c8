import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawPicture } from '../testing/pictures.js';
import { say } from '../testing/scripted-scheduler.js';
import { type JsonValue, question, startTinyGateway, type TinyGateway } from '../testing/tiny-gateway.js';

let tiny: TinyGateway;
beforeAll(async () => {
  tiny = await startTinyGateway({ script: say([]), options: { maxFileBytes: 5000, maxFilesBytes: 9000 } });
});
afterAll(() => tiny.gateway.close());

async function call(method: string, path: string, body?: FormData) {
  const response = await fetch(tiny.url + path, { method, ...(body && { body }) });
  return { status: response.status, body: (await response.json()) as JsonValue };
}
function form(bytes: Uint8Array | undefined, fields: Record<string, string>): FormData {
  const made = new FormData();
  if (bytes) made.set('file', new Blob([Buffer.from(bytes)]), 'circle.png');
  for (const [name, value] of Object.entries(fields)) made.set(name, value);
  return made;
}
const upload = (bytes: Uint8Array, purpose = 'vision') => call('POST', '/v1/files', form(bytes, { purpose }));

describe('/v1/files', () => {
  it('keeps an upload until it is deleted', async () => {
    const bytes = await drawPicture(28, 28);
    const { status, body: file } = await upload(bytes);
    expect([status, file]).toEqual([
      200,
      {
        id: expect.stringMatching(/^file-[0-9a-f]{32}$/),
        object: 'file',
        bytes: bytes.length,
        created_at: expect.any(Number),
        filename: 'circle.png',
        purpose: 'vision',
        status: 'processed',
      },
    ]);
    expect((await call('GET', `/v1/files/${file.id}`)).body).toEqual(file);
    const content = await fetch(`${tiny.url}/v1/files/${file.id}/content`);
    expect(bytes.equals(Buffer.from(await content.arrayBuffer()))).toBe(true);
    expect(await call('DELETE', `/v1/files/${file.id}`)).toEqual({
      status: 200,
      body: { id: file.id, object: 'file', deleted: true },
    });
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/content'],
      ['DELETE', ''],
    ]) {
      expect(await call(method!, `/v1/files/${file.id}${path}`)).toMatchObject({
        status: 404,
        body: { error: { code: 'file_not_found' } },
      });
    }
  });

  it('deletes for a client that declares JSON and sends none, as Python does', async () => {
    const { body: file } = await upload(Buffer.of(1));
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${tiny.url}/v1/files/${file.id}`, { method: 'DELETE', headers });
    expect(await response.json()).toEqual({ id: file.id, object: 'file', deleted: true });
  });

  it('lists uploads page by page, newest first unless asked otherwise', async () => {
    const ids = [];
    for (const purpose of ['vision', 'batch', 'vision']) ids.push((await upload(Buffer.of(1), purpose)).body.id);
    const [first, second, third] = ids;
    const list = async (query: string) => (await call('GET', `/v1/files?${query}`)).body;
    expect((await list('')).data.map(({ id }: { id: string }) => id)).toEqual([third, second, first]);
    expect((await list('order=asc&purpose=vision')).data.map(({ id }: { id: string }) => id)).toEqual([first, third]);
    const page = await list(`limit=1&after=${third}`);
    expect(page).toMatchObject({ object: 'list', first_id: second, last_id: second, has_more: true });
    for (const id of ids) await call('DELETE', `/v1/files/${id}`);
    expect(await list('')).toEqual({ object: 'list', data: [], first_id: null, last_id: null, has_more: false });
  });

  it('lends its pictures to conversations, by url and by file_id', async () => {
    const { body: file } = await upload(await drawPicture(84, 84));
    for (const part of [
      { type: 'image_url', image_url: { url: file.id } },
      { type: 'image_url', image_url: { file_id: file.id } },
      { type: 'input_image', file_id: file.id },
      { type: 'file', file: { file_id: file.id } },
    ]) {
      const { body } = await tiny.ask(question([part]));
      expect(body.usage.prompt_tokens_details.image_tokens).toBe(9);
    }
    expect(new Set(tiny.encoder.jobs.map(({ embeddingKey }) => embeddingKey)).size).toBe(1);
    await call('DELETE', `/v1/files/${file.id}`);
  });

  const refusals: [string, () => FormData, number, string, RegExp][] = [
    ['no file', () => form(undefined, { purpose: 'vision' }), 400, 'invalid_field', /file: the form has no file/],
    ['no purpose', () => form(Buffer.of(1), {}), 400, 'invalid_field', /purpose/],
    ['an unknown purpose', () => form(Buffer.of(1), { purpose: 'fun' }), 400, 'invalid_field', /purpose.*"fun"/],
    ['an unknown field', () => form(Buffer.of(1), { purpose: 'vision', extra: '1' }), 400, 'unknown_field', /extra/],
    [
      'a file over the limit',
      () => form(Buffer.alloc(5001), { purpose: 'vision' }),
      413,
      'body_too_large',
      /5000 bytes/,
    ],
  ];
  for (const [what, body, status, code, message] of refusals) {
    it(`refuses ${what}, and keeps nothing`, async () => {
      const answer = await call('POST', '/v1/files', body());
      expect(answer).toMatchObject({ status, body: { error: { code, message: expect.stringMatching(message) } } });
      expect((await call('GET', '/v1/files')).body.data).toEqual([]);
    });
  }

  it('refuses a file that it has no room for', async () => {
    const kept = [await upload(Buffer.alloc(5000)), await upload(Buffer.alloc(4000))];
    expect(await upload(Buffer.alloc(1))).toMatchObject({
      status: 507,
      body: { error: { code: 'storage_full', type: 'server_error' } },
    });
    for (const { body } of kept) await call('DELETE', `/v1/files/${body.id}`);
    expect((await upload(Buffer.alloc(1))).status).toBe(200);
  });

  it('refuses a body that is no form', async () => {
    const response = await tiny.post('/v1/files', {});
    expect([response.status, await response.json()]).toMatchObject([
      415,
      { error: { code: 'unsupported_content_type' } },
    ]);
  });
});
