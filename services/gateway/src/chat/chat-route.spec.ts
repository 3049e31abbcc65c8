import { once } from 'node:events';
import { request } from 'node:http';
import type { SchedulerEvent } from '@tessera/domain';
import { ServingError } from '@tessera/domain';
import { afterEach, describe, expect, it } from 'vitest';
import { drawPicture } from '../testing/pictures.js';
import { sampled, say, untilAborted } from '../testing/scripted-scheduler.js';
import {
  picture,
  question,
  startTinyGateway,
  type TinyGateway,
  type TinyGatewayOptions,
} from '../testing/tiny-gateway.js';
import { tinyProcessor } from '../testing/tiny-processor.js';

const { tokenizer, generation } = tinyProcessor;
const eos = generation.eosTokenIds[0]!;
const answerOf = (text: string) => [...tokenizer.encodeText(text), eos];

let tiny: TinyGateway;
const start = async (options: TinyGatewayOptions) => {
  tiny = await startTinyGateway(options);
};
afterEach(() => tiny.gateway.close());

const eventsOf = (text: string) =>
  text
    .trimEnd()
    .split('\n\n')
    .map((event) => event.replace(/^data: /, ''));

describe('an answer as a whole', () => {
  it("has OpenAI's shape, and its usage tells text from image tokens", async () => {
    await start({ script: say(answerOf('a red circle')) });
    const { status, body } = await tiny.ask(
      question([picture(await drawPicture(84, 84)), { type: 'text', text: 'What?' }], { model: 'tiny' }),
    );
    expect(status).toBe(200);
    const numPrompt = tiny.scheduler.requests[0]!.tokenIds.length;
    expect(body).toEqual({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{32}$/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'tiny',
      system_fingerprint: 'fp_revision-012',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'a red circle', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: {
        prompt_tokens: numPrompt,
        completion_tokens: answerOf('a red circle').length,
        total_tokens: numPrompt + answerOf('a red circle').length,
        prompt_tokens_details: { cached_tokens: 3, text_tokens: numPrompt - 9, image_tokens: 9, video_tokens: 0 },
      },
    });
  });

  it('says that it was cut off at its length', async () => {
    await start({ script: say(tokenizer.encodeText('a red'), 'length') });
    const { body } = await tiny.ask(question('x', { max_tokens: 2 }));
    expect(body.choices[0]).toMatchObject({ message: { content: 'a red' }, finish_reason: 'length' });
    expect(tiny.scheduler.requests[0]!.maxTokens).toBe(2);
  });

  it('ends before a stop string that spans tokens, and the scheduler is released', async () => {
    await start({ script: say(answerOf('one two three four')) });
    const { body } = await tiny.ask(question('x', { stop: ['o three'] }));
    expect(body.choices[0]).toMatchObject({ message: { content: 'one tw' }, finish_reason: 'stop' });
    expect(body.usage.completion_tokens).toBeLessThan(answerOf('one two three four').length);
    expect(body.usage.prompt_tokens_details.cached_tokens).toBe(3);
    expect(tiny.scheduler.numRunning).toBe(0);
  });

  it('gives each token with its bytes and alternatives when logprobs are asked for', async () => {
    await start({ script: say(answerOf('ab')) });
    const { body } = await tiny.ask(question('x', { logprobs: true, top_logprobs: 1 }));
    const { content } = body.choices[0].logprobs;
    expect(content.map(({ token }: { token: string }) => token).join('')).toBe('ab');
    expect(content[0]).toEqual({
      token: content[0].token,
      logprob: -0.5,
      bytes: [...Buffer.from(content[0].token)],
      top_logprobs: [{ token: content[0].token, logprob: -0.5, bytes: [...Buffer.from(content[0].token)] }],
    });
    expect(tiny.scheduler.requests[0]!.sampling.numTopLogprobs).toBe(1);
  });

  it('shows each output token once however often it is sent', async () => {
    const [first, second] = sampled(answerOf('ab'));
    await start({
      script: async function* (request) {
        yield { kind: 'tokens', tokens: [first!] };
        yield { kind: 'tokens', tokens: [first!, second!] };
        const usage = { numPromptTokens: request.tokenIds.length, numCachedTokens: 0, numOutputTokens: 2 };
        yield { kind: 'finished', reason: 'length', usage };
      },
    });
    const { body } = await tiny.ask(question('x'));
    expect(body.choices[0].message.content).toBe(
      tokenizer.decode([first!.tokenId, second!.tokenId], { skipSpecialTokens: true }),
    );
  });

  const failures = [
    ['queue_full', 429, 'rate_limit_error', '7'],
    ['worker_failed', 503, 'server_error', '7'],
    ['deadline_exceeded', 504, 'server_error', '7'],
  ] as const;
  for (const [reason, status, type, retryAfter] of failures) {
    it(`answers ${status} when the scheduler fails with ${reason}`, async () => {
      await start({
        // biome-ignore lint/correctness/useYield: this scheduler fails before it says anything
        script: async function* (): AsyncGenerator<SchedulerEvent> {
          throw new ServingError(reason, 'no', { retryAfterSeconds: 6.2 });
        },
      });
      const response = await tiny.post('/v1/chat/completions', question('x'));
      expect([response.status, response.headers.get('retry-after')]).toEqual([status, retryAfter]);
      expect(await response.json()).toMatchObject({ error: { type, code: reason, param: null } });
    });
  }

  it('hides what went wrong inside', async () => {
    await start({
      // biome-ignore lint/correctness/useYield: this scheduler fails before it says anything
      script: async function* (): AsyncGenerator<SchedulerEvent> {
        throw new TypeError('secret detail');
      },
    });
    const { status, body } = await tiny.ask(question('x'));
    expect([status, body.error.code]).toEqual([500, 'internal']);
    expect(body.error.message).not.toContain('secret');
  });
});

describe('an answer as a stream', () => {
  it('sends the role, the text in pieces, the reason of its end and [DONE]', async () => {
    await start({ script: say(answerOf('a red circle')) });
    const response = await tiny.post('/v1/chat/completions', question('x', { stream: true }));
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const events = eventsOf(await response.text());
    expect(events.at(-1)).toBe('[DONE]');
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event));
    expect(chunks[0].choices[0]).toEqual({
      index: 0,
      delta: { role: 'assistant', content: '' },
      logprobs: null,
      finish_reason: null,
    });
    expect(chunks.map(({ choices }) => choices[0].delta.content ?? '').join('')).toBe('a red circle');
    expect(chunks.at(-1).choices[0]).toEqual({ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' });
    expect(new Set(chunks.map(({ id, object }) => `${id} ${object}`)).size).toBe(1);
    expect(chunks[0]).not.toHaveProperty('usage');
  });

  it('ends with usage when asked, and the other chunks say null', async () => {
    await start({ script: say(answerOf('a')) });
    const response = await tiny.post(
      '/v1/chat/completions',
      question('x', { stream: true, stream_options: { include_usage: true } }),
    );
    const chunks = eventsOf(await response.text())
      .slice(0, -1)
      .map((event) => JSON.parse(event));
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: answerOf('a').length } });
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
  });

  it('answers with a status when it fails before its first token', async () => {
    await start({
      script: say([]),
      encode: async () => {
        throw new ServingError('media_undecodable', 'the JPEG is cut off');
      },
    });
    const body = question([{ type: 'text', text: 'x' }, picture(await drawPicture(28, 28))], { stream: true });
    const response = await tiny.post('/v1/chat/completions', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: {
        code: 'media_undecodable',
        param: 'messages[0].content[1].image_url.url',
        message: expect.stringContaining('cut off'),
      },
    });
  });

  it('sends an error that comes later as its last event', async () => {
    await start({
      script: async function* () {
        yield { kind: 'tokens', tokens: sampled(tokenizer.encodeText('a')) };
        throw new ServingError('worker_failed', 'the decoder is gone');
      },
    });
    const response = await tiny.post('/v1/chat/completions', question('x', { stream: true }));
    const events = eventsOf(await response.text());
    expect(response.status).toBe(200);
    expect(JSON.parse(events.at(-1)!)).toEqual({
      error: { message: 'the decoder is gone', type: 'server_error', param: null, code: 'worker_failed' },
    });
  });

  it('ends with an error that hides what went wrong inside, which the log tells', async () => {
    await start({
      script: async function* () {
        yield { kind: 'tokens', tokens: sampled(tokenizer.encodeText('a')) };
        throw new TypeError('secret detail');
      },
    });
    const response = await tiny.post('/v1/chat/completions', question('x', { stream: true }));
    const events = eventsOf(await response.text());
    expect(JSON.parse(events.at(-1)!)).toEqual({
      error: { message: expect.not.stringContaining('secret'), type: 'server_error', param: null, code: 'internal' },
    });
    expect(tiny.lines.join('')).toContain('secret detail');
    expect(tiny.scheduler.numRunning).toBe(0);
  });

  it('waits for a client that does not read', async () => {
    let numSaid = 0;
    const paragraph = Array.from({ length: 5000 }, () => tokenizer.specialTokenId('<|im_start|>')!);
    await start({
      script: async function* () {
        for (; numSaid < 5000; numSaid++) {
          yield {
            kind: 'tokens',
            tokens: paragraph.map((tokenId, i) => ({ tokenId, outputIndex: numSaid * 5000 + i })),
          };
        }
      },
    });
    const client = new AbortController();
    const body = question('x', { stream: true, skip_special_tokens: false });
    await tiny.post('/v1/chat/completions', body, client.signal);
    let numBefore = -1;
    const isWaiting = () => {
      const hasWaited = numBefore === numSaid;
      numBefore = numSaid;
      return hasWaited;
    };
    await expect.poll(isWaiting, { interval: 50 }).toBe(true);
    expect(numSaid).toBeLessThan(5000);
    client.abort();
    await expect.poll(() => tiny.scheduler.numRunning).toBe(0);
  });

  it('frees everything when its client goes away', async () => {
    await start({
      script: async function* (_request, signal) {
        yield { kind: 'tokens', tokens: sampled(tokenizer.encodeText('a')) };
        await untilAborted(signal);
      },
    });
    const client = new AbortController();
    const response = await tiny.post('/v1/chat/completions', question('x', { stream: true }), client.signal);
    await response.body!.getReader().read();
    expect([tiny.gateway.numActiveRequests, tiny.scheduler.numRunning]).toEqual([1, 1]);
    client.abort();
    await expect.poll(() => [tiny.gateway.numActiveRequests, tiny.scheduler.numRunning]).toEqual([0, 0]);
    const metrics = async () => (await fetch(`${tiny.url}/metrics`)).text();
    const cancelled = '{route="/v1/chat/completions",status="499",reason="cancelled"}';
    await expect.poll(metrics).toContain(`tessera_gateway_requests_total${cancelled} 1`);
    expect(await metrics()).toContain('tessera_gateway_requests_in_flight 0');
  });

  it('frees everything when its client goes away before the first token', async () => {
    await start({
      // biome-ignore lint/correctness/useYield: this scheduler never comes to say anything
      script: async function* (_request, signal): AsyncGenerator<SchedulerEvent> {
        await untilAborted(signal);
      },
    });
    const client = new AbortController();
    const sent = tiny
      .post('/v1/chat/completions', question('x', { stream: true }), client.signal)
      .catch((error) => error.name);
    await expect.poll(() => tiny.scheduler.numRunning).toBe(1);
    client.abort();
    expect(await sent).toBe('AbortError');
    await expect.poll(() => [tiny.gateway.numActiveRequests, tiny.scheduler.numRunning]).toEqual([0, 0]);
  });
});

describe('shutting down', () => {
  it('lets a running answer finish within the grace time', async () => {
    let finish = () => {};
    const mayFinish = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await start({
      options: { graceMs: 10_000 },
      script: async function* (request, signal, encoder) {
        await mayFinish;
        yield* say(answerOf('a red circle'))(request, signal, encoder);
      },
    });
    const sent = tiny.ask(question('x'));
    await expect.poll(() => tiny.scheduler.numRunning).toBe(1);
    const closed = tiny.gateway.close();
    expect(tiny.lines.join('')).toContain('waiting for 1 request to end, at most 10 s');
    finish();
    expect((await sent).body.choices[0].message.content).toBe('a red circle');
    await closed;
    expect(tiny.gateway.numActiveRequests).toBe(0);
  });

  /** A server with a streamed answer that goes on until `finishing` aborts. */
  const startUnfinished = async () => {
    const finishing = new AbortController();
    await start({
      options: { graceMs: 10_000 },
      script: async function* (_request, signal) {
        yield { kind: 'tokens', tokens: sampled(tokenizer.encodeText('a')) };
        await untilAborted(AbortSignal.any([signal, finishing.signal]));
      },
    });
    return { running: await tiny.post('/v1/chat/completions', question('x', { stream: true })), finishing };
  };

  it('answers new requests with 503 until the running ones have ended', async () => {
    const { running, finishing } = await startUnfinished();
    const closed = tiny.gateway.close();
    for (const path of ['/v1/chat/completions', '/tokenize']) {
      const refused = await tiny.post(path, question('x'));
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await refused.json()).toMatchObject({ error: { code: 'shutting_down' } });
    }
    expect((await fetch(`${tiny.url}/health/ready`)).status).toBe(503);
    finishing.abort(new ServingError('worker_failed', 'enough'));
    await running.text();
    await closed;
    await expect(fetch(tiny.url)).rejects.toThrow();
  });

  it('refuses a request whose body comes only while it waits', async () => {
    const { running, finishing } = await startUnfinished();
    const late = request(`${tiny.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', expect: '100-continue' },
    });
    late.flushHeaders();
    await once(late, 'continue');
    const closed = tiny.gateway.close();
    late.end(JSON.stringify(question('x')));
    const [response] = await once(late, 'response');
    expect(response.statusCode).toBe(503);
    response.resume();
    finishing.abort(new ServingError('worker_failed', 'enough'));
    await running.text();
    await closed;
    expect(tiny.scheduler.requests).toHaveLength(1);
  });

  it('ends an answer that takes longer with shutting_down', async () => {
    await start({
      options: { graceMs: 1 },
      script: async function* (_request, signal) {
        yield { kind: 'tokens', tokens: sampled(tokenizer.encodeText('a')) };
        await untilAborted(signal);
      },
    });
    const response = await tiny.post('/v1/chat/completions', question('x', { stream: true }));
    const text = response.text();
    await tiny.gateway.close();
    expect(JSON.parse(eventsOf(await text).at(-1)!)).toMatchObject({ error: { code: 'shutting_down' } });
    expect(tiny.lines.join('')).toContain('answer broken off: the server is shutting down');
    expect(tiny.lines.join('')).not.toContain('"stack"');
    expect(tiny.scheduler.numRunning).toBe(0);
  });
});
