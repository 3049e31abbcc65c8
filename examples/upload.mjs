// Uploads a picture once, then asks two questions about it by its id: node examples/upload.mjs
import { createReadStream } from 'node:fs';
import OpenAI from 'openai';

const { OPENAI_BASE_URL: baseURL = 'http://127.0.0.1:8080/v1' } = process.env;
const client = new OpenAI({ baseURL, apiKey: 'none' });
const file = await client.files.create({ file: createReadStream('examples/text.png'), purpose: 'vision' });
console.log(`uploaded ${file.filename}, ${file.bytes} bytes`);

for (const question of ['What does the image say?', 'Read all the text in the image.']) {
  const completion = await client.chat.completions.create({
    model: 'tessera-tiny',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: file.id } },
          { type: 'text', text: question },
        ],
      },
    ],
  });
  console.log(JSON.stringify(completion.choices[0].message.content));
}
await client.files.delete(file.id);
