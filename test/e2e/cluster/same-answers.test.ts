import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, evalItem } from '../support/eval-items.js';
import { question } from '../support/questions.js';
import { type Server, startServer } from '../support/start-server.js';
import { type Cluster, startCluster } from './support/start-cluster.js';

const items = ['ocr_001', 'describe_001', 'count_001', 'color_004', 'ground_001', 'table_001'].map(evalItem);
const bodies = [
  ...items.map((item) => ask(item)),
  question('hello', { max_tokens: 40 }),
  question('Tell me more.', { max_tokens: 60, temperature: 1, seed: 7 }),
].map((body) => ({ ...body, logprobs: true, top_logprobs: 3 }));

/** The same arithmetic in both: ranks sum in the same order, by operations of the same number of threads. */
const arithmetic = { deterministic: true, tp: 2, threads: 1 } as const;

let server: Server;
let cluster: Cluster;
beforeAll(async () => {
  server = await startServer(arithmetic);
  cluster = await startCluster({ groups: 2, tp: 2, encoders: 2, options: { deterministic: true, threads: 1 } });
});
afterAll(async () => {
  await server?.stop();
  await cluster?.stop();
});

describe('a cluster of two groups of two ranks and two encoders', () => {
  it('gives the answers and log-probabilities of the one-process server, alone and side by side', async () => {
    const expected = [];
    for (const body of bodies) expected.push((await server.api.complete(body)).choices);
    const alone = [];
    for (const body of bodies) alone.push((await cluster.api.complete(body)).choices);
    expect(alone).toEqual(expected);
    const together = await Promise.all(bodies.map(async (body) => (await cluster.api.complete(body)).choices));
    expect(together).toEqual(expected);
    expect(expected.slice(0, items.length).map(([choice]) => choice?.message.content)).toEqual(
      items.map(({ text }) => text),
    );
  });

  it('runs steps on both groups', async () => {
    const long = (index: number) =>
      question(`hello ${index}`, { max_tokens: 100, ignore_eos: true, cache_salt: 'both groups' });
    await Promise.all([0, 1, 2, 3].map((index) => cluster.api.complete(long(index))));
    for (const group of ['group-0', 'group-1']) {
      const steps = await cluster.metricOf(`tessera_step_seconds_count{group="${group}"}`);
      expect(steps.get('scheduler-0')).toBeGreaterThan(0);
    }
  });

  it('finds the pages of a picture that it was asked about before', async () => {
    const item = evalItem('describe_007');
    const { messages } = ask(item);
    const [first] = (await cluster.api.complete({ messages })).choices;
    const [part] = (messages[0] as { content: object[] }).content;
    const second = await cluster.api.complete(question([part, { type: 'text', text: 'And what else?' }]));
    expect(first?.message.content).toBe(item.text);
    expect(second.usage.prompt_tokens_details?.cached_tokens).toBeGreaterThanOrEqual(item.numImageTokens);
  });
});
