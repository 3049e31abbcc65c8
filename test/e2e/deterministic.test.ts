import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, evalItem } from './support/eval-items.js';
import { type Server, startServer } from './support/start-server.js';

const items = [
  'ocr_001',
  'describe_001',
  'describe_007',
  'count_001',
  'color_004',
  'ground_001',
  'point_003',
  'table_001',
].map(evalItem);

describe('a server with --deterministic', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer({ weights: 'int4', deterministic: true });
  });
  afterAll(() => server?.stop());

  it('gives every question the same answer and log-probabilities alone and among others', async () => {
    const choiceOf = async (body: object) => (await server.api.complete({ ...body, logprobs: true })).choices[0];
    const alone = [];
    for (const item of items) alone.push(await choiceOf(ask(item)));
    expect(await Promise.all(items.map((item) => choiceOf(ask(item))))).toEqual(alone);
    expect(await Promise.all(items.toReversed().map((item) => choiceOf(ask(item))))).toEqual(alone.toReversed());
  });
});
