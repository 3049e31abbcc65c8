import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type AnswerChunk, streamAnswer } from './stream-answer.js';

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function answers(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function collect(chunks: AsyncIterable<AnswerChunk>): Promise<AnswerChunk[]> {
  const all: AnswerChunk[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

const chunk = (content: string) => ({ choices: [{ delta: { content } }] });
const never = new AbortController().signal;

describe('streamAnswer', () => {
  it('yields events however they are cut into packets, until [DONE]', async () => {
    const bytes = Buffer.from(`data: ${JSON.stringify(chunk('é'))}\n\ndata: ${JSON.stringify(chunk('b'))}\n\n`);
    const cut = bytes.indexOf(0xc3) + 1;
    const url = await answers((_request, response) => {
      response.write(bytes.subarray(0, cut), () => {
        response.end(Buffer.concat([bytes.subarray(cut), Buffer.from('data: [DONE]\n\n')]));
      });
    });
    expect(await collect(streamAnswer(url, {}, never))).toEqual([chunk('é'), chunk('b')]);
  });

  it('yields a refusal as its only chunk', async () => {
    const refusal = { error: { message: 'no', param: null, code: 'queue_full' } };
    const url = await answers((_request, response) => response.writeHead(429).end(JSON.stringify(refusal)));
    expect(await collect(streamAnswer(url, {}, never))).toEqual([refusal]);
  });

  it('ends when it is aborted before the answer, or amid it', async () => {
    const leaving = new AbortController();
    let url = await answers(() => leaving.abort());
    await expect(collect(streamAnswer(url, {}, leaving.signal))).rejects.toThrow();
    server.close();
    const leavingLater = new AbortController();
    url = await answers((_request, response) => response.write(`data: ${JSON.stringify(chunk('a'))}\n\n`));
    const chunks = streamAnswer(url, {}, leavingLater.signal);
    await chunks.next();
    leavingLater.abort();
    await expect(chunks.next()).rejects.toThrow();
  });
});
