import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ask, evalItem } from './support/eval-items.js';
import { expectToHold, expectValue, readHoldings, readMetrics } from './support/metrics.js';
import { drawNoise } from './support/pictures.js';
import { longAnswer, picturePart, question, textPart } from './support/questions.js';
import { openConnection, writePost } from './support/raw-connection.js';
import { type Server, startServer } from './support/start-server.js';

const chatPath = '/v1/chat/completions';
const item = evalItem('ocr_017');

let filesDir: string;
let server: Server;
let idle: Record<string, number>;
beforeAll(async () => {
  filesDir = await mkdtemp(join(tmpdir(), 'tessera-connections-'));
  server = await startServer({ 'files-dir': filesDir, 'max-in-memory-bytes': 100_000 });
  idle = await readHoldings(server.api);
});
afterAll(async () => {
  await server?.stop();
  expect(await readdir(filesDir)).toEqual([]);
  await rm(filesDir, { recursive: true });
});

/** Whatever a client did, all that it held is free, and the next one is answered. */
afterEach(async () => {
  await expectToHold(server.api, idle);
  expect(await server.api.answer(ask(item))).toBe(item.text);
});

const numCancelled = async (route: string) =>
  (await readMetrics(server.api)).get(
    `tessera_gateway_requests_total{route="${route}",status="499",reason="cancelled"}`,
  ) ?? 0;

/** Runs `leave`, which breaks off one request, and waits until the server has noticed. */
async function expectCancelled(route: string, leave: () => Promise<void>): Promise<void> {
  const before = await numCancelled(route);
  await leave();
  await expect.poll(() => numCancelled(route), { interval: 10, timeout: 10_000 }).toBe(before + 1);
}

/** A POST of `body` on a socket of its own, that is announced as `numMissing` bytes longer than it is. */
async function post(path: string, body: string | Uint8Array, headers: object = {}, numMissing = 0) {
  const socket = await openConnection(server.url);
  const length = Buffer.byteLength(body) + numMissing;
  writePost(socket, path, body, { 'content-length': length, ...headers });
  return socket;
}

describe('a client that goes away', () => {
  it('amid its stream', () =>
    expectCancelled(chatPath, async () => {
      const leaving = new AbortController();
      const events = server.api.stream(longAnswer(3000), leaving.signal);
      for (let i = 0; i < 5; i++) expect((await events.next()).done).toBe(false);
      expect(await readHoldings(server.api)).toMatchObject({
        tessera_sequences_running: 1,
        tessera_gateway_requests_in_flight: 1,
      });
      leaving.abort();
    }));

  it('while it waits for a whole answer', () =>
    expectCancelled(chatPath, async () => {
      const socket = await post(chatPath, JSON.stringify(longAnswer(3000)));
      await expectValue(server.api, 'tessera_sequences_running', 1);
      socket.destroy();
    }));

  it('without a word, by a reset', () =>
    expectCancelled(chatPath, async () => {
      const socket = await post(chatPath, JSON.stringify({ ...longAnswer(3000), stream: true }));
      await once(socket, 'data');
      socket.resetAndDestroy();
    }));

  it('while its picture is encoded', () =>
    expectCancelled(chatPath, async () => {
      const noise = await drawNoise(1500, 1500, 'png');
      const socket = await post(chatPath, JSON.stringify(question([picturePart(noise), textPart('?')])));
      await expectValue(server.api, 'tessera_encodes_running', 1);
      socket.destroy();
    }));

  it('while it uploads a body', () =>
    expectCancelled(chatPath, async () => {
      const socket = await post(chatPath, '{"messages":[', { expect: '100-continue' }, 1_000_000);
      expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 100 /);
      socket.destroy();
    }));

  it('while it uploads a file that is already on disk in part', () =>
    expectCancelled('/v1/files', async () => {
      const form =
        '--edge\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nvision\r\n' +
        '--edge\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\n\r\n';
      const headers = { 'content-type': 'multipart/form-data; boundary=edge' };
      const socket = await post('/v1/files', form + 'x'.repeat(300_000), headers, 1_000_000);
      const filesOnDisk = () => readdir(filesDir, { recursive: true });
      await expect.poll(filesOnDisk, { interval: 10, timeout: 10_000 }).toHaveLength(2);
      socket.destroy();
      await expect.poll(filesOnDisk, { interval: 10, timeout: 10_000 }).toHaveLength(1);
    }));
});

describe('a client that does not read', () => {
  it('holds up nobody else', async () => {
    const socket = await post(chatPath, JSON.stringify({ ...longAnswer(400), stream: true, logprobs: true }));
    socket.pause();
    await expectValue(server.api, 'tessera_sequences_running', 1);
    expect(await server.api.answer(ask(item))).toBe(item.text);
    socket.destroy();
  });
});

describe('one connection', () => {
  it('is used again after a refusal', async () => {
    const socket = await post(chatPath, '{"messages":[]}');
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 400 /);
    writePost(socket, chatPath, JSON.stringify(question('hello', { max_tokens: 1 })));
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  it('is answered what is no HTTP with 400', async () => {
    const socket = await openConnection(server.url);
    socket.write('hello\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 400 /);
    socket.destroy();
  });
});

describe('clients that go away at any time', () => {
  const random = createRandom(20_261_123);
  const pictures = ['ocr_001', 'ocr_005', 'color_004', 'count_000', 'table_001'].map(evalItem);

  it('leave nothing behind (50 requests)', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, i) => breakOff(i)));
  });

  /** Asks, with or without a picture, whole or streamed, and leaves after up to 300 ms. */
  async function breakOff(index: number): Promise<void> {
    const picture = pictures[index % pictures.length]!;
    const body = index % 2 === 0 ? longAnswer(2000) : { ...ask(picture), ignore_eos: true };
    const leaving = AbortSignal.timeout(Math.floor(random() * 300));
    const response = await server.api.post(chatPath, { ...body, stream: index % 3 === 0 }, leaving).catch(() => {});
    await response?.text().catch(() => {});
    expect(leaving.aborted).toBe(true);
  }
});

/** Numbers in [0, 1), always the same for a seed (Lehmer's generator). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
}
