import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { ServingError } from '@tessera/domain';
import { CheckpointFields } from '../config/checkpoint-fields.js';
import { type AddedToken, readAddedTokens } from './added-tokens.js';
import { createLiteralSplitter, type LiteralSplitter } from './literal-splitter.js';
import { createStreamDecoder, type StreamDecoder } from './stream-decoder.js';
import { TokenBytes } from './token-bytes.js';

export interface DecodeOptions {
  /** Leave out tokens flagged special; default false. */
  readonly skipSpecialTokens?: boolean;
}

/** Byte-level BPE of one checkpoint. */
export interface Tokenizer {
  /** Highest id + 1. */
  readonly numTokens: number;
  /** Every token flagged special: its text and its id. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** Ids of a text in which special tokens count as such; nothing is added in front or behind. */
  encode(text: string): number[];
  /** Ids of a user's text: special tokens in it are ordinary text; other added ones (`<tool_call>`) are recognised. */
  encodeText(text: string): number[];
  /** Bytes that are no UTF-8 become U+FFFD; ids that no token has are left out. */
  decode(ids: readonly number[], options?: DecodeOptions): string;
  /** The bytes a token stands for: a view, not to be written to. */
  tokenBytes(id: number): Uint8Array;
  /** Id of an added token, flagged special or not. */
  specialTokenId(text: string): number | undefined;
  createStreamDecoder(options?: DecodeOptions): StreamDecoder;
}

/**
 * Builds the tokenizer from a parsed `tokenizer.json` and, if there is one, `tokenizer_config.json`.
 * Throws ServingError `checkpoint_invalid` for anything but byte-level BPE.
 */
export function createTokenizer(tokenizerJson: unknown, tokenizerConfigJson?: unknown): Tokenizer {
  const fields = new CheckpointFields(tokenizerJson, 'tokenizer.json');
  const added = readAddedTokens(fields, new CheckpointFields(tokenizerConfigJson ?? {}, 'tokenizer_config.json'));
  const vocabulary = readVocabulary(fields);
  const addedTexts = new Map(added.map((token) => [token.id, token.text]));
  const addedIds = new Map(added.map((token) => [token.text, token.id]));
  const special = added.filter((token) => token.isSpecial);
  const specialIds = new Set(special.map((token) => token.id));
  const numTokens = 1 + highestId([vocabulary.keys(), addedTexts.keys()]);
  const bytes = new TokenBytes(vocabulary, addedTexts, numTokens);
  const encodePlain = createPlainEncoder(tokenizerJson as object);

  const encoderAt = (recognised: readonly AddedToken[]) => {
    const split = createLiteralSplitter(recognised.map((token) => token.text));
    return (text: string) => encodePieces(split, text, addedIds, encodePlain);
  };
  const decodedBytes = ({ skipSpecialTokens = false }: DecodeOptions = {}) =>
    skipSpecialTokens ? (id: number) => (specialIds.has(id) ? noBytes : bytes.of(id)) : (id: number) => bytes.of(id);

  return {
    numTokens,
    specialTokens: new Map(special.map((token) => [token.text, token.id])),
    encode: encoderAt(added),
    encodeText: encoderAt(added.filter((token) => !token.isSpecial)),
    decode(ids, options) {
      const decoder = createStreamDecoder(decodedBytes(options));
      return ids.map((id) => decoder.push(id)).join('') + decoder.flush();
    },
    tokenBytes: (id) => bytes.of(id),
    specialTokenId: (text) => addedIds.get(text),
    createStreamDecoder: (options) => createStreamDecoder(decodedBytes(options)),
  };
}

const noBytes = new Uint8Array(0);

/** The library splits added tokens by one fixed rule, so it gets none of them and sees only what lies between. */
function createPlainEncoder(tokenizerJson: object): (text: string) => number[] {
  const missingParts = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
  const library = new LibraryTokenizer({ ...missingParts, ...tokenizerJson, added_tokens: [] }, {});
  return (text) => library.encode(text, { add_special_tokens: false }).ids;
}

function encodePieces(
  split: LiteralSplitter,
  text: string,
  addedIds: ReadonlyMap<string, number>,
  encodePlain: (text: string) => number[],
): number[] {
  const pieces = split(text);
  if (pieces.length === 1 && !pieces[0]!.isLiteral) return encodePlain(text);
  return pieces.flatMap((piece) => (piece.isLiteral ? addedIds.get(piece.text)! : encodePlain(piece.text)));
}

function readVocabulary(fields: CheckpointFields): Map<number, string> {
  const model = fields.section('model');
  const decoder = fields.section('decoder')?.text('type');
  const vocabulary = model?.raw('vocab');
  if (model?.text('type') !== 'BPE' || decoder !== 'ByteLevel' || typeof vocabulary !== 'object') {
    throw new ServingError('checkpoint_invalid', 'tokenizer.json: only byte-level BPE is supported');
  }
  return new Map(Object.entries(vocabulary as Record<string, number>).map(([entry, id]) => [id, entry]));
}

function highestId(lists: readonly Iterable<number>[]): number {
  let highest = -1;
  for (const list of lists) for (const id of list) highest = Math.max(highest, id);
  return highest;
}
