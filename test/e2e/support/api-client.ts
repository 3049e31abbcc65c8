import type OpenAI from 'openai';
import { readEvents } from './read-events.js';

/** What `JSON.parse` gives. */
export type JsonValue = ReturnType<typeof JSON.parse>;

/** An answer with the fields that Tessera adds to OpenAI's. */
export type Completion = OpenAI.ChatCompletion & {
  readonly usage: { readonly prompt_tokens_details: { readonly text_tokens: number; readonly image_tokens: number } };
};

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: JsonValue;
}

/** The HTTP API without a client library between. */
export class ApiClient {
  constructor(readonly url: string) {}

  /** Text and bytes are sent as they are, objects as JSON. */
  post(path: string, body: object | string | Uint8Array, signal?: AbortSignal): Promise<Response> {
    return fetch(this.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body),
      ...(signal && { signal }),
    });
  }

  async ask(body: object | string | Uint8Array, path = '/v1/chat/completions'): Promise<Reply> {
    const response = await this.post(path, body);
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  async get(path: string): Promise<Reply> {
    const response = await fetch(this.url + path);
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  /** A whole answer; throws with the body when it is none. */
  async complete(body: object): Promise<Completion> {
    const { status, body: answer } = await this.ask(body);
    if (status !== 200) throw new Error(`status ${status}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Text of a whole answer. */
  async answer(body: object): Promise<string> {
    return (await this.complete(body)).choices[0]?.message.content ?? '';
  }

  /** A streamed answer's events, `[DONE]` included. */
  async *stream(body: object, signal?: AbortSignal): AsyncGenerator<string> {
    const response = await this.post('/v1/chat/completions', { ...body, stream: true }, signal);
    if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`);
    yield* readEvents(response);
  }

  /** The chunks of a streamed answer that came to its end. */
  async chunks(body: object): Promise<OpenAI.ChatCompletionChunk[]> {
    const events: string[] = [];
    for await (const event of this.stream(body)) events.push(event);
    if (events.pop() !== '[DONE]') throw new Error('The stream broke off.');
    return events.map((event) => JSON.parse(event));
  }

  /** Id of an uploaded picture. */
  async upload(bytes: Uint8Array, filename = 'picture.png'): Promise<string> {
    const form = new FormData();
    form.append('purpose', 'vision');
    form.append('file', new Blob([Buffer.from(bytes)]), filename);
    const response = await fetch(`${this.url}/v1/files`, { method: 'POST', body: form });
    return ((await response.json()) as OpenAI.FileObject).id;
  }
}
