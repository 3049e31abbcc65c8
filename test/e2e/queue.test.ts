import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, evalItem } from './support/eval-items.js';
import { expectToHold, expectValue, readHoldings } from './support/metrics.js';
import { longAnswer } from './support/questions.js';
import { type Server, startServer } from './support/start-server.js';

const item = evalItem('color_004');

let server: Server;
let idle: Record<string, number>;
beforeAll(async () => {
  server = await startServer({ 'max-sequences': 1, 'max-waiting-requests': 2 });
  idle = await readHoldings(server.api);
});
afterAll(() => server?.stop());

/** Takes the one lane until `leave` is called. */
async function occupy(): Promise<{ leave(): void }> {
  const leaving = new AbortController();
  const first = await server.api.stream(longAnswer(3000), leaving.signal).next();
  expect(first.done).toBe(false);
  return { leave: () => leaving.abort() };
}

const numWaitingIs = (count: number) => expectValue(server.api, 'tessera_sequences_waiting', count);

describe('with one lane and room for two to wait', () => {
  it('a fourth request is refused until there is room', async () => {
    const running = await occupy();
    const leaving = new AbortController();
    const gone = server.api.post('/v1/chat/completions', longAnswer(5), leaving.signal).catch(() => 'gone');
    await numWaitingIs(1);
    const patient = server.api.answer(ask(item));
    await numWaitingIs(2);

    const { status, headers, body } = await server.api.ask(ask(item));
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(body.error).toMatchObject({ type: 'rate_limit_error', code: 'queue_full', param: null });
    expect(body.error.message).toMatch(/2 requests are waiting; the limit is 2/);

    leaving.abort();
    expect(await gone).toBe('gone');
    await numWaitingIs(1);
    const late = server.api.answer(ask(item));
    await numWaitingIs(2);

    running.leave();
    expect(await patient).toBe(item.text);
    expect(await late).toBe(item.text);
    await expectToHold(server.api, idle);
  });

  it('what asks for no answer is served beside a full queue', async () => {
    const running = await occupy();
    const { body } = await server.api.ask(ask(item), '/tokenize');
    expect(body.count).toBeGreaterThan(item.numImageTokens);
    expect((await server.api.get('/v1/models')).status).toBe(200);
    expect((await server.api.get('/health/ready')).status).toBe(200);
    running.leave();
    await expectToHold(server.api, idle);
  });

  it('a burst has answers or refusals, and nothing else', async () => {
    const replies = await Promise.all(Array.from({ length: 40 }, () => server.api.ask(ask(item))));
    const answered = replies.filter(({ status }) => status === 200);
    const refused = replies.filter(({ status }) => status === 429);
    expect(answered.length + refused.length).toBe(40);
    expect(answered.length).toBeGreaterThanOrEqual(2);
    expect(new Set(answered.map(({ body }) => body.choices[0].message.content))).toEqual(new Set([item.text]));
    await expectToHold(server.api, idle);
  });
});
