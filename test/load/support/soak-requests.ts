import sharp from 'sharp';
import type { ApiClient } from '../../e2e/support/api-client.js';
import { evalItem } from '../../e2e/support/eval-items.js';
import { picturePart, question, textPart } from '../../e2e/support/questions.js';

const repeated = evalItem('ocr_001');
const chatPath = '/v1/chat/completions';

/** What clients do, each kind as often as the others; `index` makes one request differ from the next. */
const kinds: readonly ((api: ApiClient, index: number) => Promise<void>)[] = [
  (api, index) => expectStatus(200, api.post(chatPath, question(`hello ${index}`, { max_tokens: 8 }))),
  (api) => expectStatus(200, api.post(chatPath, aboutPicture(repeated.picture))),
  async (api, index) => expectStatus(200, api.post(chatPath, aboutPicture(await drawOwn(index)))),
  async (api, index) => {
    const body = aboutPicture(index % 2 === 0 ? repeated.picture : await drawOwn(index));
    for await (const _ of api.stream(body));
  },
  (api, index) => leaveHalfway(api, question(`hello ${index}`, { max_tokens: 200, ignore_eos: true })),
  async (api, index) => leaveHalfway(api, { ...aboutPicture(await drawOwn(index)), max_tokens: 200, ignore_eos: true }),
  (api, index) => expectStatus(400, api.post(chatPath, question('hello', { temperature: -1 - index }))),
  (api) => expectStatus(400, api.post(chatPath, aboutPicture(repeated.picture.subarray(0, 200)))),
  (api, index) => expectStatus(400, api.post(chatPath, `{"messages": [${index}`)),
  (api, index) => expectStatus(404, api.post(chatPath, question('hello', { model: `model-${index}` }))),
];

/** Sends request number `index` and waits until the server has answered or the client has left. */
export function sendRequest(api: ApiClient, index: number): Promise<void> {
  return kinds[index % kinds.length]!(api, index);
}

function aboutPicture(bytes: Uint8Array) {
  return question([picturePart(bytes), textPart(repeated.prompt)], { max_tokens: 8 });
}

/** A small picture that no other index has. */
async function drawOwn(index: number): Promise<Buffer> {
  const background = { r: index & 255, g: (index >> 8) & 255, b: (index >> 16) & 255 };
  const size = { width: 56 + 28 * (index % 4), height: 56 + 28 * (index % 3) };
  return sharp({ create: { ...size, channels: 3, background } })
    .png()
    .toBuffer();
}

async function expectStatus(status: number, responding: Promise<Response>): Promise<void> {
  const response = await responding;
  const body = await response.text();
  if (response.status !== status) throw new Error(`status ${response.status} instead of ${status}: ${body}`);
}

/** Reads a few tokens of a stream and closes the connection. */
async function leaveHalfway(api: ApiClient, body: object): Promise<void> {
  const leaving = new AbortController();
  const events = api.stream(body, leaving.signal);
  for (let i = 0; i < 4; i++) await events.next();
  leaving.abort();
  await events.return(undefined).catch(() => {});
}
