import type { BlockHash, PrefixHashes, Request } from '@tessera/domain';
import { prefixHashesOf } from '@tessera/kv';
import type { BuiltPrompt, Processor, PromptMessage, PromptOptions } from '@tessera/qwen2-5-vl';

/** What takes seconds for a long text, whichever thread it is done in. */
export interface TextWork {
  /** Throws the ServingErrors of `Processor.buildPrompt`. */
  buildPrompt(messages: readonly PromptMessage[], options: PromptOptions): BuiltPrompt;
  /** Token ids of a text; special tokens in it are plain text unless `parsesSpecial`. */
  encode(text: string, parsesSpecial: boolean): Int32Array;
  /** The text of token ids. */
  decode(tokenIds: Int32Array, skipsSpecial: boolean): string;
  /** The answer of `/tokenize` as JSON, with the text of each token alone where `hasStrings`. */
  toTokenizeAnswer(tokenIds: Int32Array, maxModelLen: number, hasStrings: boolean): string;
  /** The hashes of a prompt's full pages of `pageLen` positions. */
  hashPrefix(
    prompt: Pick<Request, 'tokenIds' | 'segments' | 'positions'>,
    root: BlockHash,
    pageLen: number,
  ): PrefixHashes;
}

export function createTextWork({ tokenizer, buildPrompt }: Processor): TextWork {
  return {
    buildPrompt: (messages, options) => buildPrompt(messages, options),
    encode: (text, parsesSpecial) =>
      Int32Array.from(parsesSpecial ? tokenizer.encode(text) : tokenizer.encodeText(text)),
    decode: (tokenIds, skipsSpecial) => tokenizer.decode([...tokenIds], { skipSpecialTokens: skipsSpecial }),
    toTokenizeAnswer: (tokenIds, maxModelLen, hasStrings) =>
      JSON.stringify({
        count: tokenIds.length,
        max_model_len: maxModelLen,
        tokens: [...tokenIds],
        token_strs: hasStrings ? Array.from(tokenIds, (id) => tokenizer.decode([id])) : null,
      }),
    hashPrefix: prefixHashesOf,
  };
}
