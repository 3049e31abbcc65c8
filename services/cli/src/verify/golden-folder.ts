import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type GoldenTensor, readGoldenFloats, readGoldenTensors } from './golden-tensors.js';

/** A part of a golden message; file names are relative to the folder. */
export type GoldenPart =
  | { readonly type: 'text'; readonly text: string }
  | ({ readonly type: 'image'; readonly image: string; readonly decoded_png?: string } & GoldenLimits)
  | ({
      readonly type: 'image_url';
      readonly image_url: { readonly url: string };
      readonly decoded_png?: string;
    } & GoldenLimits)
  | ({ readonly type: 'video'; readonly video: readonly string[]; readonly fps?: number } & GoldenLimits);

interface GoldenLimits {
  readonly min_pixels?: number;
  readonly max_pixels?: number;
}

export interface GoldenMessage {
  readonly role: string;
  readonly content: string | readonly GoldenPart[];
}

export interface GoldenMedia {
  readonly kind: 'image' | 'video';
  readonly message: number;
  readonly part: number;
  readonly source_size: readonly [number, number];
  readonly resized_size: readonly [number, number];
  readonly grid_thw: readonly [number, number, number];
  readonly tokens: number;
  readonly min_pixels: number;
  readonly max_pixels: number;
  readonly fps?: number;
}

export interface PixelStream {
  readonly rows: number;
  readonly sum: number;
  readonly sha256_float32_le: string;
  readonly stored: 'all' | 'sample';
  readonly row_indices?: readonly number[];
}

/** `cases/<checkpoint>/<case>.json`, as the data's README describes it. */
export interface GoldenRecord {
  readonly messages: readonly GoldenMessage[];
  readonly add_generation_prompt: boolean;
  readonly add_vision_id: boolean;
  readonly prompt: string;
  readonly input_ids: readonly number[];
  readonly media: readonly GoldenMedia[];
  readonly second_per_grid_ts: readonly number[];
  readonly position_ids: readonly [readonly number[], readonly number[], readonly number[]];
  readonly next_position: number;
  readonly greedy_tokens: readonly number[];
  readonly greedy_text: string;
  /** Lead of each greedy token's logit over the next. */
  readonly margins: readonly number[];
  readonly pixel_streams?: Readonly<Partial<Record<'images' | 'videos', PixelStream>>>;
}

export interface GoldenCase {
  readonly name: string;
  readonly record: GoldenRecord;
  readonly tensors: ReadonlyMap<string, Float32Array>;
}

/** A folder laid out like the reference data: checkpoints, media, cases and unit vectors. */
export class GoldenFolder {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  path(...names: readonly string[]): string {
    return join(this.dir, ...names);
  }

  /** Names of the checkpoints that have cases. */
  checkpoints(): Promise<string[]> {
    return listFolder(this.path('cases'));
  }

  /** Names of all checkpoints, with cases or without. */
  storedCheckpoints(): Promise<string[]> {
    return listFolder(this.path('checkpoints'));
  }

  /** A file of JSON, or undefined when the folder has none of that name. */
  async readJson<Value>(...names: readonly string[]): Promise<Value | undefined> {
    const text = await orUndefined(readFile(this.path(...names), 'utf8'));
    return text === undefined ? undefined : (JSON.parse(text) as Value);
  }

  /** A file of tensors, or undefined when the folder has none of that name. */
  readTensors(...names: readonly string[]): Promise<ReadonlyMap<string, GoldenTensor> | undefined> {
    return orUndefined(readGoldenTensors(this.path(...names)));
  }

  async cases(checkpoint: string): Promise<GoldenCase[]> {
    const names = (await listFolder(this.path('cases', checkpoint))).filter((name) => name.endsWith('.json'));
    return Promise.all(names.map((name) => this.#readCase(checkpoint, basename(name, '.json'))));
  }

  async #readCase(checkpoint: string, name: string): Promise<GoldenCase> {
    const record = JSON.parse(await readFile(this.path('cases', checkpoint, `${name}.json`), 'utf8')) as GoldenRecord;
    return { name, record, tensors: await readGoldenFloats(this.path('cases', checkpoint, `${name}.safetensors`)) };
  }
}

async function listFolder(dir: string): Promise<string[]> {
  return ((await orUndefined(readdir(dir))) ?? []).sort();
}

/** Only a file that is not there is undefined. */
async function orUndefined<Value>(reading: Promise<Value>): Promise<Value | undefined> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
