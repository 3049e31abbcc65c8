import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from '@tessera/domain';

/** A question about a picture or a video, its right answer, and what the reference implementation answers. */
export interface EvalItem {
  readonly id: string;
  readonly task: string;
  readonly prompt: string;
  /** Absent where objects are asked for. */
  readonly answer?: string;
  /** Objects in the stored picture's pixels, where their places are asked for. */
  readonly objects?: readonly MarkedObject[];
  /** One file for a picture, one a frame for a video; read from the eval folder. */
  readonly frames: readonly Buffer[];
  /** Of a video only. */
  readonly fps?: number;
  readonly width: number;
  readonly height: number;
  /** Height and width at which the reference saw it. */
  readonly seen: readonly [number, number];
  /** The reference's greedy answer without the stop token. */
  readonly tokens: readonly number[];
}

export interface MarkedObject {
  readonly label: string;
  /** Left, top, right, bottom. */
  readonly bbox_2d?: readonly number[];
  readonly point_2d?: readonly number[];
}

type StoredItem = Omit<EvalItem, 'frames' | 'seen' | 'tokens'> & {
  readonly image?: string;
  readonly frames?: readonly string[];
};
type Reference = Pick<EvalItem, 'id' | 'seen' | 'tokens'>;

/**
 * All items of an evaluation folder laid out as the bundled model's (`eval.jsonl`, `reference.jsonl` and the media they
 * name), in the file's order. Throws `invalid_option` when there is none.
 */
export async function readEvalItems(dir: string): Promise<EvalItem[]> {
  const references = new Map((await readLines<Reference>(dir, 'reference.jsonl')).map((line) => [line.id, line]));
  const stored = await readLines<StoredItem>(dir, 'eval.jsonl');
  return Promise.all(
    stored.map(async ({ image, frames, ...item }) => {
      const reference = references.get(item.id);
      if (!reference) throw refusal(dir, `reference.jsonl has no line ${item.id}`);
      const files = await Promise.all((frames ?? [image as string]).map((file) => readEvalFile(dir, file)));
      return { ...item, seen: reference.seen, tokens: reference.tokens, frames: files };
    }),
  );
}

async function readLines<Line>(dir: string, name: string): Promise<Line[]> {
  const lines = (await readEvalFile(dir, name)).toString('utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Line);
}

async function readEvalFile(dir: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(dir, name));
  } catch (cause) {
    throw refusal(dir, `${name} is missing or unreadable`, cause);
  }
}

function refusal(dir: string, what: string, cause?: unknown): ServingError {
  return new ServingError('invalid_option', `--eval ${dir}: ${what}.`, { option: '--eval' }, { cause });
}
