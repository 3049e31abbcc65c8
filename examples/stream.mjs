// Prints the answer as it comes: node examples/stream.mjs
import { readFile } from 'node:fs/promises';
import OpenAI from 'openai';

const { OPENAI_BASE_URL: baseURL = 'http://127.0.0.1:8080/v1' } = process.env;
const client = new OpenAI({ baseURL, apiKey: 'none' });
const base64 = (await readFile('examples/table.png')).toString('base64');

const stream = await client.chat.completions.create({
  model: 'tessera-tiny',
  stream: true,
  stream_options: { include_usage: true },
  messages: [
    {
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } },
        { type: 'text', text: 'QwenVL HTML' },
      ],
    },
  ],
});
for await (const { choices, usage } of stream) {
  process.stdout.write(choices[0]?.delta.content ?? '');
  if (usage) console.log(`\n${usage.prompt_tokens} prompt tokens, ${usage.completion_tokens} in the answer`);
}
