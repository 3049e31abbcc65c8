/** Text of a growing list of tokens, piece by piece; all pieces and the flush together equal the whole decoded. */
export interface StreamDecoder {
  /** The text that this token completes; bytes of an unfinished character are held back. */
  push(id: number): string;
  /** What is still held back, as U+FFFD; the decoder is fresh afterwards. */
  flush(): string;
}

/** `bytesOf` gives the bytes that a token adds to the text. */
export function createStreamDecoder(bytesOf: (id: number) => Uint8Array): StreamDecoder {
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    push: (id) => utf8.decode(bytesOf(id), { stream: true }),
    flush: () => utf8.decode(),
  };
}
