import { readFileSync } from 'node:fs';
import { picturePart, question, textPart } from './questions.js';

const evalDir = new URL('../../../models/tessera-tiny/eval/', import.meta.url);

/** A question about a picture, and what the reference implementation answers. */
export interface EvalItem {
  readonly id: string;
  readonly prompt: string;
  readonly picture: Buffer;
  /** Greedy answer of the reference, right or wrong. */
  readonly text: string;
  readonly numAnswerTokens: number;
  /** Placeholder tokens of the picture: one for each 28 × 28 pixels as it is seen. */
  readonly numImageTokens: number;
}

interface Stored {
  readonly id: string;
  readonly prompt: string;
  readonly image: string;
}

interface Reference {
  readonly id: string;
  readonly seen: readonly [height: number, width: number];
  readonly tokens: readonly number[];
  readonly text: string;
}

/** An item of the bundled model's evaluation. */
export function evalItem(id: string): EvalItem {
  const { prompt, image } = stored.get(id)!;
  const { text, tokens, seen } = references.get(id)!;
  return {
    id,
    prompt,
    picture: readFileSync(new URL(image, evalDir)),
    text,
    numAnswerTokens: tokens.length,
    numImageTokens: (seen[0] / 28) * (seen[1] / 28),
  };
}

/** The item's question about this picture, its own when none is given. */
export function ask(item: EvalItem, picture: Uint8Array = item.picture): ReturnType<typeof question> {
  return question([picturePart(picture), textPart(item.prompt)]);
}

const stored = readLines<Stored>('eval.jsonl');
const references = readLines<Reference>('reference.jsonl');

function readLines<Line extends { readonly id: string }>(name: string): ReadonlyMap<string, Line> {
  const lines = readFileSync(new URL(name, evalDir), 'utf8').trim().split('\n');
  return new Map(lines.map((line) => JSON.parse(line) as Line).map((line) => [line.id, line]));
}
