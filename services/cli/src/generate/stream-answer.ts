import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { createParser } from 'eventsource-parser';
import type { ApiError } from './explain-refusal.js';

/** What an event of a streamed answer brings; a refusal, or an error amid the answer, is the last. */
export interface AnswerChunk {
  readonly choices?: readonly { readonly delta: { readonly content?: string } }[];
  readonly usage?: AnswerUsage | null;
  readonly error?: ApiError;
}

export interface AnswerUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details?: { readonly image_tokens?: number };
}

/** Posts a body and yields the events of its answer. It waits as long as it takes: `fetch` gives up after 300 s of silence. */
export async function* streamAnswer(url: string, body: object, signal: AbortSignal): AsyncGenerator<AnswerChunk> {
  const outgoing = request(url, { method: 'POST', headers: { 'content-type': 'application/json' }, signal });
  outgoing.end(JSON.stringify(body));
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) {
    yield JSON.parse(await text(response));
    return;
  }
  const events: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => events.push(data) });
  for await (const piece of response.setEncoding('utf8')) {
    parser.feed(piece);
    for (const data of events.splice(0)) if (data !== '[DONE]') yield JSON.parse(data);
  }
}
