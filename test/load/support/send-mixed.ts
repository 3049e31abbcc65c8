import type { ApiClient } from '../../e2e/support/api-client.js';
import { readEvents } from '../../e2e/support/read-events.js';
import { bodyOf, type Leaving, type MixedRequest } from './mixed-requests.js';

export interface Answer {
  readonly text: string;
  readonly finishReason: string;
  readonly numTokens: number;
}

/** What came of a request; a client that left has what it had read by then. */
export type Outcome =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'cancelled'; readonly text: string };

/** Sends a request and leaves when its plan says so. Throws at any other end than the three, with what came instead. */
export async function sendMixed(api: ApiClient, { question, isStreamed, leaving }: MixedRequest): Promise<Outcome> {
  const fields = isStreamed ? { stream: true, stream_options: { include_usage: true } } : {};
  const body = { ...(await bodyOf(question)), ...fields };
  const client = new AbortController();
  const signal = signalOf(leaving, client.signal);
  let text = '';
  try {
    const response = await api.post('/v1/chat/completions', body, signal);
    if (response.status === 429) {
      if (!(Number(response.headers.get('retry-after')) >= 1)) throw new Error('status 429 without retry-after');
      await response.text();
      return { kind: 'rejected' };
    }
    if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`);
    if (!isStreamed) return { kind: 'answered', answer: answerOf([(await response.json()) as Chunk]) };
    const chunks: Chunk[] = [];
    for await (const event of readEvents(response)) {
      if (event === '[DONE]') return { kind: 'answered', answer: answerOf(chunks) };
      chunks.push(parseChunk(event));
      text = textOf(chunks);
      if (leaving && 'afterEvents' in leaving && chunks.length >= leaving.afterEvents) client.abort();
    }
    throw new Error(`the stream broke off after ${chunks.length} events`);
  } catch (error) {
    if (error !== signal.reason) throw error;
    return { kind: 'cancelled', text };
  }
}

interface Chunk {
  readonly choices: readonly {
    readonly delta?: { readonly content?: string };
    readonly message?: { readonly content: string };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { readonly completion_tokens: number };
}

function signalOf(leaving: Leaving | undefined, client: AbortSignal): AbortSignal {
  return leaving && 'afterMs' in leaving ? AbortSignal.any([client, AbortSignal.timeout(leaving.afterMs)]) : client;
}

function parseChunk(event: string): Chunk {
  const chunk = JSON.parse(event);
  if (chunk.error !== undefined) throw new Error(`the stream ended with ${event}`);
  return chunk;
}

/** A whole answer is a stream of one chunk. */
function answerOf(chunks: readonly Chunk[]): Answer {
  const finishReason = chunks.flatMap(({ choices }) => choices).find((choice) => choice.finish_reason)?.finish_reason;
  const usage = chunks.at(-1)?.usage;
  if (!finishReason || !usage) throw new Error(`an answer without its end: ${JSON.stringify(chunks.at(-1))}`);
  return { text: textOf(chunks), finishReason, numTokens: usage.completion_tokens };
}

function textOf(chunks: readonly Chunk[]): string {
  return chunks
    .flatMap(({ choices }) => choices.map(({ delta, message }) => (delta ?? message)?.content ?? ''))
    .join('');
}
