import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { ServedApi } from './served-api.js';

let server: Server | undefined;
afterEach(() => server?.close());

/** A server that answers everything like this; resolves with its address and the bodies that it will have got. */
async function serve(answer: (response: ServerResponse) => void): Promise<{ url: string; bodies: unknown[] }> {
  const bodies: unknown[] = [];
  server = createServer(async (request, response) => {
    bodies.push({ path: request.url, ...((await json(request)) as object) });
    answer(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies };
}

describe('ServedApi', () => {
  it('asks for the model that it was told to', async () => {
    const { url, bodies } = await serve((response) => response.end('{"tokens":[1,2]}'));
    expect(await new ServedApi(`${url}/`, 'org/model').tokenize({ messages: [] })).toEqual([1, 2]);
    expect(bodies).toEqual([{ path: '/tokenize', messages: [], model: 'org/model' }]);
  });

  it('throws a refusal in its own words', async () => {
    const refusal = JSON.stringify({ error: { message: 'the queue is full', code: 'queue_full' } });
    const { url } = await serve((response) => response.writeHead(429).end(refusal));
    const refused = new ServedApi(url).complete({});
    await expect(refused).rejects.toMatchObject({ reason: 'queue_full', message: 'the queue is full' });
  });

  it('names address and status where there is no refusal to read', async () => {
    const { url } = await serve((response) => response.writeHead(404).end('<html>'));
    const message = `${url}/v1/chat/completions: status 404, and no error that can be read.`;
    await expect(new ServedApi(url).complete({})).rejects.toMatchObject({ message });
  });

  it('says that no server answers', async () => {
    const { url } = await serve((response) => response.end());
    server?.close();
    const message = expect.stringMatching(/^http:.*: no server answers there \(connect ECONNREFUSED .*\)\.$/);
    await expect(new ServedApi(url).complete({})).rejects.toMatchObject({ reason: 'not_ready', message });
  });

  for (const url of ['localhost:8080', 'ftp://host', 'model']) {
    it(`refuses ${url} as an address`, () => {
      expect(() => new ServedApi(url)).toThrow(`--through: "${url}" is no http: or https: address.`);
    });
  }
});
