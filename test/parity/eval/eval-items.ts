import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const modelDir = fileURLToPath(new URL('../../../models/tessera-tiny', import.meta.url));

/** A question about a picture or a video, and what the reference implementation answers. */
export interface EvalItem {
  readonly id: string;
  readonly task: string;
  readonly prompt: string;
  /** One file for a picture, one a frame for a video; read from the eval folder. */
  readonly frames: readonly Buffer[];
  /** Of a video only. */
  readonly fps: number | undefined;
  readonly width: number;
  readonly height: number;
  /** Height and width at which the reference saw it. */
  readonly seen: readonly [number, number];
  /** The reference's greedy answer without the stop token. */
  readonly tokens: readonly number[];
}

type StoredItem = Pick<EvalItem, 'id' | 'task' | 'prompt' | 'fps' | 'width' | 'height'> & {
  readonly image?: string;
  readonly frames?: readonly string[];
};
type Reference = Pick<EvalItem, 'id' | 'seen' | 'tokens'>;

/** All items of the bundled model's evaluation, in the file's order. */
export function readEvalItems(): EvalItem[] {
  const references = new Map(readLines<Reference>('reference.jsonl').map((line) => [line.id, line]));
  return readLines<StoredItem>('eval.jsonl').map(({ image, frames, ...item }) => {
    const { seen, tokens } = references.get(item.id)!;
    const files = frames ?? [image!];
    return { ...item, fps: item.fps, seen, tokens, frames: files.map((file) => readFileSync(evalFile(file))) };
  });
}

function readLines<Line>(name: string): Line[] {
  const lines = readFileSync(evalFile(name), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Line);
}

function evalFile(name: string): string {
  return `${modelDir}/eval/${name}`;
}
