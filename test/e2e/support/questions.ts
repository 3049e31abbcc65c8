/** A conversation of one question, with these fields beside. */
export function question(content: unknown, fields: object = {}): { readonly messages: readonly object[] } {
  return { messages: [{ role: 'user', content }], ...fields };
}

export function textPart(text: string): object {
  return { type: 'text', text };
}

/** A picture as a data: URI, with these fields beside. */
export function picturePart(bytes: Uint8Array, fields: object = {}): object {
  return { type: 'image_url', image_url: { url: dataUri(bytes) }, ...fields };
}

/** The type is declared as PNG; the server goes by the content. */
export function dataUri(bytes: Uint8Array): string {
  return `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`;
}

/** An answer that runs until its limit, for what needs a stream that lasts. */
export function longAnswer(maxTokens: number): object {
  return question('hello', { max_tokens: maxTokens, ignore_eos: true });
}
