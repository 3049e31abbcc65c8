import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { ServingError } from '@tessera/domain';
import { flagName } from '@tessera/runtime';

/** Flags of `tessera generate` that shape the question; numbers as they were typed. */
export interface QuestionFlags {
  readonly image: readonly string[];
  readonly system?: string;
  readonly maxTokens?: string;
  readonly temperature?: string;
  readonly seed?: string;
  readonly minPixels?: string;
  readonly maxPixels?: string;
}

type NumberFlag = Exclude<keyof QuestionFlags, 'image' | 'system'>;

/** The chat body that asks `prompt`, pictures first, as a stream with usage; ServingError `invalid_option`. */
export async function createQuestionBody(prompt: string, flags: QuestionFlags): Promise<object> {
  const number = (name: NumberFlag) => readNumber(name, flags[name]);
  const limits = { min_pixels: number('minPixels'), max_pixels: number('maxPixels') };
  const images = await Promise.all(
    flags.image.map(async (file) => ({ type: 'image_url', image_url: { url: await toDataUri(file) }, ...limits })),
  );
  const content = images.length > 0 ? [...images, { type: 'text', text: prompt }] : prompt;
  const system = flags.system === undefined ? [] : [{ role: 'system', content: flags.system }];
  return {
    messages: [...system, { role: 'user', content }],
    max_tokens: number('maxTokens'),
    temperature: number('temperature'),
    seed: number('seed'),
    stream: true,
    stream_options: { include_usage: true },
  };
}

async function toDataUri(file: string): Promise<string> {
  const bytes = await readFile(file).catch((cause) => {
    throw new ServingError('invalid_option', `--image ${file} cannot be read.`, { option: '--image' }, { cause });
  });
  // The server looks at the bytes, not at the name.
  return `data:image/${extname(file).slice(1) || 'png'};base64,${bytes.toString('base64')}`;
}

function readNumber(name: NumberFlag, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  const option = flagName(name);
  throw new ServingError('invalid_option', `${option}: "${text}" is no number.`, { option });
}
