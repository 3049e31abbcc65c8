import { bytesOfEntry } from './byte-alphabet.js';

/** The bytes that every token stands for, in one buffer. */
export class TokenBytes {
  readonly #bytes: Uint8Array;
  readonly #ends: Uint32Array;

  /** `entries` are byte-level vocabulary entries by id, `added` the literal texts that replace or extend them. */
  constructor(entries: ReadonlyMap<number, string>, added: ReadonlyMap<number, string>, numTokens: number) {
    const utf8 = new TextEncoder();
    const parts: Uint8Array[] = [];
    this.#ends = new Uint32Array(numTokens);
    let end = 0;
    for (let id = 0; id < numTokens; id++) {
      const literal = added.get(id);
      const entry = entries.get(id) ?? '';
      const part = literal === undefined ? (bytesOfEntry(entry) ?? utf8.encode(entry)) : utf8.encode(literal);
      parts.push(part);
      end += part.length;
      this.#ends[id] = end;
    }
    this.#bytes = new Uint8Array(end);
    parts.forEach((part, id) => {
      this.#bytes.set(part, this.#ends[id]! - part.length);
    });
  }

  /** A view, not to be written to; empty for an id that no token has. */
  of(id: number): Uint8Array {
    return this.#bytes.subarray(id === 0 ? 0 : this.#ends[id - 1], this.#ends[id] ?? 0);
  }
}
