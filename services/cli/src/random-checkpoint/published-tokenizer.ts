import { readFile } from 'node:fs/promises';
import { brotliDecompressSync } from 'node:zlib';

const mergesFile = new URL('../../assets/qwen2.5-merges.txt.br', import.meta.url);

/** Added tokens in the order of their ids, which follow the vocabulary's (spec §7.3). */
const specialTexts = [
  ...['<|endoftext|>', '<|im_start|>', '<|im_end|>'],
  ...['<|object_ref_start|>', '<|object_ref_end|>', '<|box_start|>', '<|box_end|>', '<|quad_start|>', '<|quad_end|>'],
  ...['<|vision_start|>', '<|vision_end|>', '<|vision_pad|>', '<|image_pad|>', '<|video_pad|>'],
];
const plainTexts = [
  ...['<tool_call>', '</tool_call>'],
  ...['<|fim_prefix|>', '<|fim_middle|>', '<|fim_suffix|>', '<|fim_pad|>', '<|repo_name|>', '<|file_sep|>'],
];

const splitPattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

export interface TokenizerFiles {
  /** `tokenizer.json` */
  readonly tokenizer: object;
  /** `tokenizer_config.json` */
  readonly tokenizerConfig: object;
}

/** The tokenizer that all published sizes share, built from its list of merges. */
export async function publishedTokenizer(chatTemplate: string): Promise<TokenizerFiles> {
  const merges = brotliDecompressSync(await readFile(mergesFile))
    .toString('utf8')
    .split('\n');
  const vocab = vocabularyOf(merges);
  const addedTokens = [...specialTexts, ...plainTexts].map((content, i) => ({
    id: vocab.size + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: i < specialTexts.length,
  }));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const split = { type: 'Split', pattern: { Regex: splitPattern }, behavior: 'Isolated', invert: false };
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: addedTokens,
      normalizer: { type: 'NFC' },
      pre_tokenizer: { type: 'Sequence', pretokenizers: [split, byteLevel] },
      post_processor: byteLevel,
      decoder: byteLevel,
      model: { ...modelFields, vocab: Object.fromEntries(vocab), merges },
    },
    tokenizerConfig: {
      ...tokenizerConfigFields,
      added_tokens_decoder: Object.fromEntries(addedTokens.map(({ id, ...token }) => [id, token])),
      additional_special_tokens: specialTexts.slice(1),
      chat_template: chatTemplate,
    },
  };
}

const modelFields = {
  type: 'BPE',
  dropout: null,
  unk_token: null,
  continuing_subword_prefix: '',
  end_of_word_suffix: '',
  fuse_unk: false,
  byte_fallback: false,
};

const tokenizerConfigFields = {
  add_bos_token: false,
  add_prefix_space: false,
  bos_token: null,
  clean_up_tokenization_spaces: false,
  eos_token: '<|im_end|>',
  errors: 'replace',
  model_max_length: 131_072,
  pad_token: '<|endoftext|>',
  split_special_tokens: false,
  tokenizer_class: 'Qwen2Tokenizer',
  unk_token: null,
};

/** Ids 0–255 are the byte characters, then comes what each merge joins. */
function vocabularyOf(merges: readonly string[]): Map<string, number> {
  const entries = [...byteCharacters(), ...merges.map((merge) => merge.replace(' ', ''))];
  return new Map(entries.map((entry, id) => [entry, id]));
}

/** Printable Latin-1 characters stand for themselves; the other 68 bytes take the characters from U+0100 on. */
function byteCharacters(): string[] {
  const printable = [range(0x21, 0x7e), range(0xa1, 0xac), range(0xae, 0xff)].flat();
  return String.fromCodePoint(...printable, ...range(0x100, 0x100 + 255 - printable.length)).split('');
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
