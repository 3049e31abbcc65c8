import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, evalItem } from './support/eval-items.js';
import { question } from './support/questions.js';
import { type Server, startServer } from './support/start-server.js';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.stop());

const item = evalItem('table_000');
const greeting = "I am Tessera's demonstration model";

const answer = (fields: object) => server.api.answer(question('hello', fields));
const choose = async (fields: object) => (await server.api.complete(question('hello', fields))).choices[0]!;

async function tokensOf(text: string): Promise<number[]> {
  return (await server.api.ask({ prompt: text }, '/tokenize')).body.tokens;
}

describe('temperature and seed', () => {
  const hot = { temperature: 1.5, max_tokens: 40, ignore_eos: true };

  it('give the same text for the same seed, alone and among others', async () => {
    const alone = await answer({ ...hot, seed: 7 });
    const seeds = [1, 7, 2, 3, 7];
    const together = await Promise.all(seeds.map((seed) => answer({ ...hot, seed })));
    expect([together[1], together[4]]).toEqual([alone, alone]);
  });

  it('give other texts for other seeds, and for none', async () => {
    // So small a model says some things often, so texts may meet by chance; all of them may not.
    const seeded = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => answer({ ...hot, seed })));
    expect(new Set(seeded).size).toBeGreaterThanOrEqual(3);
    const unseeded = await Promise.all([1, 2, 3, 4, 5, 6].map(() => answer(hot)));
    expect(new Set(unseeded).size).toBeGreaterThanOrEqual(3);
  });

  it('are greedy by default and at 0', async () => {
    expect(await answer({ max_tokens: 12 })).toBe(await answer({ max_tokens: 12, temperature: 0, seed: 5 }));
  });

  for (const cut of [{ top_k: 1 }, { top_p: 1e-6 }, { min_p: 1 }]) {
    it(`have no say when one token is left (${JSON.stringify(cut)})`, async () => {
      expect(await answer({ temperature: 2, seed: 3, max_tokens: 12, ...cut })).toBe(await answer({ max_tokens: 12 }));
    });
  }
});

describe('logprobs', () => {
  type Entry = OpenAI.ChatCompletionTokenLogprob;

  function expectSound(content: readonly Entry[], text: string, numTop: number): void {
    const bytes = content.flatMap((entry) => entry.bytes ?? []);
    expect(Buffer.from(bytes).toString()).toBe(text);
    for (const { token, logprob, top_logprobs: top } of content) {
      expect(top).toHaveLength(numTop);
      expect(top.map((entry) => entry.logprob)).toEqual(top.map((entry) => entry.logprob).sort((a, b) => b - a));
      const mass = top.reduce((sum, entry) => sum + Math.exp(entry.logprob), 0);
      expect(mass).toBeLessThanOrEqual(1 + 1e-6);
      expect(logprob).toBeLessThanOrEqual(0);
      const among = top.find((entry) => entry.token === token);
      if (among) expect(among.logprob).toBe(logprob);
    }
  }

  it('add up, are sorted and spell the answer', async () => {
    const { message, logprobs } = (await server.api.complete({ ...ask(item), logprobs: true, top_logprobs: 20 }))
      .choices[0]!;
    expect(message.content).toBe(item.text);
    expectSound(logprobs!.content!, item.text, 20);
    for (const { token, top_logprobs } of logprobs!.content!) {
      expect(top_logprobs[0]?.token).toBe(token);
      // Twenty of 521 tokens hold nearly all of a trained model's mass.
      expect(top_logprobs.reduce((sum, entry) => sum + Math.exp(entry.logprob), 0)).toBeGreaterThan(0.9);
    }
  });

  it("are the model's own, whatever is sampled", async () => {
    const fields = { max_tokens: 1, logprobs: true, top_logprobs: 5 };
    const greedy = await choose(fields);
    const sampled = await choose({ ...fields, temperature: 1.8, seed: 11, presence_penalty: 1 });
    expect(sampled.logprobs!.content![0]!.top_logprobs).toEqual(greedy.logprobs!.content![0]!.top_logprobs);
  });

  it('come with every piece of a stream', async () => {
    const chunks = await server.api.chunks({ ...ask(item), logprobs: true, top_logprobs: 2 });
    expectSound(
      chunks.flatMap(({ choices }) => choices[0]?.logprobs?.content ?? []),
      item.text,
      2,
    );
  });

  it('are left out unless asked for', async () => {
    expect((await choose({ max_tokens: 2 })).logprobs).toBeNull();
    const only = await choose({ max_tokens: 2, logprobs: true });
    expect(only.logprobs!.content!.map(({ top_logprobs }) => top_logprobs)).toEqual([[], []]);
  });
});

describe('logit_bias', () => {
  it('forces a token at 100 and forbids it at −100', async () => {
    const [first] = await tokensOf('I');
    const [other] = await tokensOf('7');
    expect(await answer({ max_tokens: 3, logit_bias: { [other!]: 100 } })).toBe('777');
    const without = await answer({ max_tokens: 3, logit_bias: { [first!]: -100 } });
    expect(without).not.toContain('I');
    expect(await answer({ max_tokens: 3 })).toContain('I');
  });
});

describe('the end of an answer', () => {
  it('is max_tokens', async () => {
    const { choices, usage } = await server.api.complete(question('hello', { max_completion_tokens: 5 }));
    expect(choices[0]).toMatchObject({ finish_reason: 'length' });
    expect(usage.completion_tokens).toBe(5);
  });

  it('is a stop string, which is left out', async () => {
    const stopped = await choose({ stop: ['nothing of the kind', ' demonstration'] });
    expect(stopped).toMatchObject({ finish_reason: 'stop', message: { content: "I am Tessera's" } });
  });

  it('is a stop string in a stream, of which no part was sent', async () => {
    const chunks = await server.api.chunks(question('hello', { stop: 'Tessera' }));
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('I am ');
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
  });

  it('is a stop token', async () => {
    const [token] = await tokensOf("'");
    expect(await choose({ stop_token_ids: [token] })).toMatchObject({
      finish_reason: 'stop',
      message: { content: 'I am Tessera' },
    });
  });

  it('does not come before min_tokens', async () => {
    const [token] = await tokensOf("'");
    const { choices, usage } = await server.api.complete(
      question('hello', { stop: 'Tessera', stop_token_ids: [token], min_tokens: 30, max_tokens: 60 }),
    );
    expect(usage.completion_tokens).toBeGreaterThanOrEqual(30);
    expect(choices[0]?.message.content).toContain('Tessera');
  });

  it("is not the checkpoint's own with ignore_eos", async () => {
    const whole = await server.api.complete(question('hello'));
    const further = await server.api.complete(question('hello', { ignore_eos: true, max_tokens: 200 }));
    expect(whole.usage.completion_tokens).toBeLessThan(200);
    expect(further.usage.completion_tokens).toBe(200);
    expect(further.choices[0]?.finish_reason).toBe('length');
  });
});

describe('penalties', () => {
  const fields = { max_tokens: 40, ignore_eos: true };
  const repeating = async (more: object) => {
    const [token] = await tokensOf('7');
    return answer({ ...fields, logit_bias: { [token!]: 12 }, ...more });
  };
  const count = (text: string) => text.split('7').length - 1;

  for (const penalty of [{ repetition_penalty: 2 }, { presence_penalty: 2 }, { frequency_penalty: 2 }]) {
    it(`${Object.keys(penalty)[0]} makes a token rarer`, async () => {
      expect(count(await repeating(penalty))).toBeLessThan(count(await repeating({})));
    });
  }

  it('change nothing at their neutral values', async () => {
    const neutral = { repetition_penalty: 1, presence_penalty: 0, frequency_penalty: 0, top_p: 1, top_k: -1, min_p: 0 };
    expect(await answer(neutral)).toBe(await answer({}));
    expect(await answer({})).toMatch(new RegExp(`^${greeting}`));
  });
});

describe('a field with null', () => {
  it('counts as absent', async () => {
    const nulls = { temperature: null, max_tokens: null, stop: null, seed: null, logprobs: null, stream: null };
    expect(await answer(nulls)).toBe(await answer({}));
  });
});
