import { type ErrorReason, errorCatalogue, ServingError } from '@tessera/domain';

/** A token of an answer, as the API tells it. */
export interface ServedScore {
  readonly bytes: readonly number[];
  readonly logprob: number;
}

/** What is read of OpenAI's `chat.completion`. */
export interface ServedCompletion {
  readonly system_fingerprint: string;
  readonly choices: readonly [
    {
      readonly message: { readonly content: string };
      readonly finish_reason: string;
      readonly logprobs: {
        readonly content: readonly (ServedScore & { readonly top_logprobs: readonly ServedScore[] })[];
      } | null;
    },
  ];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number; readonly image_tokens: number };
  };
}

/** A conversation as a request's body; everything but the model's name. */
export type ChatFields = Readonly<Record<string, unknown>>;

/** The HTTP API of a running server, as far as verification needs it. A refusal is a ServingError in its own words. */
export class ServedApi {
  readonly #url: string;
  readonly #model: string | undefined;

  /** Without a model's name the server takes its own. Throws `invalid_option` for what is no address of a server. */
  constructor(url: string, model?: string) {
    if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) {
      throw new ServingError('invalid_option', `--through: "${url}" is no http: or https: address.`);
    }
    this.#url = url.replace(/\/+$/, '');
    this.#model = model;
  }

  complete(fields: ChatFields): Promise<ServedCompletion> {
    return this.#post('/v1/chat/completions', fields);
  }

  /** Ids of the prompt that these fields would run. */
  async tokenize(fields: ChatFields): Promise<readonly number[]> {
    const { tokens } = await this.#post<{ readonly tokens: readonly number[] }>('/tokenize', fields);
    return tokens;
  }

  async #post<Answer>(path: string, fields: ChatFields): Promise<Answer> {
    const response = await fetch(this.#url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...fields, model: this.#model }),
    }).catch((error: Error) => {
      const problem = error.cause instanceof Error ? error.cause.message : error.message;
      throw new ServingError('not_ready', `${this.#url}: no server answers there (${problem}).`, {}, { cause: error });
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as Answer;
    throw refusalOf(`${this.#url}${path}`, response.status, text);
  }
}

function refusalOf(url: string, status: number, text: string): ServingError {
  try {
    const { message, code } = JSON.parse(text).error;
    return new ServingError(Object.hasOwn(errorCatalogue, code) ? (code as ErrorReason) : 'internal', message);
  } catch (cause) {
    return new ServingError('internal', `${url}: status ${status}, and no error that can be read.`, {}, { cause });
  }
}
