// Asks about a picture: node examples/chat.mjs [picture] [question]
import { readFile } from 'node:fs/promises';
import OpenAI from 'openai';

const [picture = 'examples/shapes.png', question = 'What is in this image?'] = process.argv.slice(2);

const { OPENAI_BASE_URL: baseURL = 'http://127.0.0.1:8080/v1' } = process.env;
const client = new OpenAI({ baseURL, apiKey: 'none' });
const base64 = (await readFile(picture)).toString('base64');

const completion = await client.chat.completions.create({
  model: 'tessera-tiny',
  messages: [
    {
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } },
        { type: 'text', text: question },
      ],
    },
  ],
});
console.log(completion.choices[0].message.content);
console.log(completion.usage);
