import { ServingError } from '@tessera/domain';
import { afterEach, describe, expect, it } from 'vitest';
import { type Script, sampled, say } from '../testing/scripted-scheduler.js';
import { question, startTinyGateway, type TinyGateway } from '../testing/tiny-gateway.js';
import { tinyProcessor } from '../testing/tiny-processor.js';

const { tokenizer, generation } = tinyProcessor;
const answer = [...tokenizer.encodeText('a red circle'), generation.eosTokenIds[0]!];

let tiny: TinyGateway;
afterEach(() => tiny.gateway.close());

const metrics = async () => (await fetch(`${tiny.url}/metrics`)).text();

/** Says the answer in as many attempts as it has tokens, each of which fails after its token. */
const stumble: Script = async function* (request) {
  const numSaid = request.resumeTokens.length;
  yield { kind: 'started', numCachedTokens: 3 + numSaid };
  yield { kind: 'tokens', tokens: sampled(answer).slice(numSaid, numSaid + 1) };
  if (numSaid + 1 < answer.length) throw new ServingError('worker_failed', 'the rank group is lost');
  const usage = { numPromptTokens: request.tokenIds.length, numCachedTokens: 2, numOutputTokens: answer.length };
  yield { kind: 'finished', reason: 'stop', usage };
};

describe('an answer whose workers fail', () => {
  it('is one answer to its client', async () => {
    tiny = await startTinyGateway({ script: stumble, options: { resumeMs: 60_000 } });
    const { status, body } = await tiny.ask(question('x', { seed: 7, temperature: 1 }));
    expect([status, body.choices[0].message.content]).toEqual([200, 'a red circle']);
    expect(body.usage).toMatchObject({
      completion_tokens: answer.length,
      prompt_tokens_details: { cached_tokens: 3 },
    });
    const { requests } = tiny.scheduler;
    expect(requests.map(({ attempt, resumeTokens }) => [attempt, resumeTokens.length])).toEqual(
      answer.map((_token, i) => [i, i]),
    );
    expect(new Set(requests.map(({ requestId, sampling }) => `${requestId} ${sampling.seed}`)).size).toBe(1);
    const resumed = `tessera_gateway_resumed_attempts_total{reason="worker_failed"} ${answer.length - 1}`;
    expect(await metrics()).toContain(resumed);
    expect(await metrics()).toContain('tessera_gateway_queue_seconds_count 1');
  });

  it('fails when they go on failing', async () => {
    tiny = await startTinyGateway({ script: stumble });
    const { status, body } = await tiny.ask(question('x'));
    expect([status, body.error.code]).toEqual([503, 'worker_failed']);
  });
});

describe('a request to a cell that does not serve', () => {
  const unready = { isReady: false, waitingFor: 'a rank group' };

  it('is refused with what is missing and when to come back', async () => {
    tiny = await startTinyGateway({ script: say(answer), options: { waitForCellMs: 0 } });
    tiny.scheduler.description = { ...tiny.scheduler.description, ...unready };
    await expect.poll(async () => (await fetch(`${tiny.url}/health/ready`)).status).toBe(503);
    const response = await tiny.post('/v1/chat/completions', question('x'));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await response.json()).toMatchObject({
      error: { code: 'not_ready', message: 'the server is not ready: it waits for a rank group' },
    });
  });

  it('waits for it', async () => {
    tiny = await startTinyGateway({ script: say(answer), options: { waitForCellMs: 60_000 } });
    const ready = tiny.scheduler.description;
    tiny.scheduler.description = { ...ready, ...unready };
    await expect.poll(async () => (await fetch(`${tiny.url}/health/ready`)).status).toBe(503);
    const asked = tiny.ask(question('x'));
    await expect.poll(() => tiny.gateway.numActiveRequests).toBe(1);
    tiny.scheduler.description = ready;
    expect((await asked).body.choices[0].message.content).toBe('a red circle');
  });
});
