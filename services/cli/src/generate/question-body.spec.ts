import { expect, it } from 'vitest';
import { createQuestionBody } from './question-body.js';

it('asks a text alone as a string, with what was set', async () => {
  const body = await createQuestionBody('hello', { image: [], system: 'be brief', maxTokens: '5', temperature: '0' });
  expect(body).toMatchObject({
    messages: [
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'hello' },
    ],
    max_tokens: 5,
    temperature: 0,
    seed: undefined,
    stream: true,
  });
});

for (const text of ['many', '', ' ', 'Infinity', '1e999']) {
  it(`refuses ${JSON.stringify(text)} for a number by the flag's name`, async () => {
    await expect(createQuestionBody('x', { image: [], maxTokens: text })).rejects.toMatchObject({
      reason: 'invalid_option',
      message: `--max-tokens: "${text}" is no number.`,
    });
  });
}

it('names a picture that cannot be read', async () => {
  await expect(createQuestionBody('x', { image: ['none.png'] })).rejects.toMatchObject({
    message: '--image none.png cannot be read.',
  });
});
