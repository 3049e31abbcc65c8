import { createTokenizer, type Tokenizer } from '@tessera/qwen2-5-vl';
import type { GoldenFolder } from '../golden-folder.js';
import type { VerifyReport } from '../verify-report.js';

interface TokenizerVectors {
  readonly vocab_size: number;
  readonly cases: readonly TextVector[];
  readonly prefixes: readonly PrefixVector[];
}

interface TextVector {
  readonly text: string;
  readonly ids: readonly number[];
  readonly ids_special_disabled: readonly number[];
  readonly decoded: string;
  readonly decoded_skip_special: string;
  readonly decoded_special_disabled: string;
}

interface PrefixVector {
  readonly text: string;
  readonly ids: readonly number[];
  /** Text of the first 0, 1, 2 … ids; U+FFFD stands for an unfinished character. */
  readonly decoded_prefixes: readonly string[];
}

/** Texts to ids and back, for each checkpoint that the file names. */
export async function checkTokenizers(folder: GoldenFolder, report: VerifyReport, rung: string): Promise<void> {
  const vectors = await folder.readJson<Record<string, TokenizerVectors>>('unit', 'tokenizer_cases.json');
  for (const [checkpoint, { vocab_size, cases, prefixes }] of Object.entries(vectors ?? {})) {
    await report.attempt(rung, checkpoint, async () => {
      const tokenizer = createTokenizer(
        await folder.readJson('checkpoints', checkpoint, 'tokenizer.json'),
        await folder.readJson('checkpoints', checkpoint, 'tokenizer_config.json'),
      );
      report.equal(rung, `${checkpoint}, number of tokens`, tokenizer.numTokens, vocab_size);
      for (const vector of cases) {
        report.equal(rung, `${checkpoint}, ${quote(vector.text)}`, codeText(tokenizer, vector), expectedOf(vector));
      }
      for (const vector of prefixes) {
        report.equal(rung, `${checkpoint}, prefixes of ${quote(vector.text)}`, decodePrefixes(tokenizer, vector), {
          decoded: vector.decoded_prefixes,
          streamed: vector.decoded_prefixes.map(withoutUnfinished),
          text: vector.text,
        });
      }
    });
  }
}

function expectedOf({ ids, ids_special_disabled, decoded, ...vector }: TextVector): unknown[] {
  return [ids, ids_special_disabled, decoded, vector.decoded_skip_special, vector.decoded_special_disabled];
}

/** In the order of `expectedOf`. */
function codeText(tokenizer: Tokenizer, { text, ids }: TextVector): unknown[] {
  const plainIds = tokenizer.encodeText(text);
  return [
    tokenizer.encode(text),
    plainIds,
    tokenizer.decode(ids),
    tokenizer.decode(ids, { skipSpecialTokens: true }),
    tokenizer.decode(plainIds),
  ];
}

/** Every prefix decoded at once, and as it is streamed: then an unfinished character is held back. */
function decodePrefixes(tokenizer: Tokenizer, { ids }: PrefixVector): Record<string, unknown> {
  const stream = tokenizer.createStreamDecoder();
  let soFar = '';
  const streamed = ['', ...ids.map((id) => (soFar += stream.push(id)))];
  const decoded = streamed.map((_, length) => tokenizer.decode(ids.slice(0, length)));
  return { decoded, streamed, text: soFar + stream.flush() };
}

function withoutUnfinished(text: string): string {
  return text.replace(/\uFFFD$/, '');
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
