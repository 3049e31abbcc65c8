import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type BenchResult, median, type Timings } from './bench-engine.js';
import type { BenchSubject } from './format-bench.js';

/** Figures by name, in milliseconds. */
type Medians = Readonly<Record<string, number>>;

/** Results of one subject share a prefix; the date tells them apart. */
function prefixOf({ checkpoint, weights, contextLen }: BenchSubject): string {
  return `${basename(checkpoint)}-${weights.replace(/[^a-z0-9]+/g, '-')}-context-${contextLen}`;
}

/** Keeps a result as text, with its medians for the next comparison; returns the path. */
export async function saveResult(
  dir: string,
  subject: BenchSubject,
  result: BenchResult,
  text: string,
): Promise<string> {
  await mkdir(dir, { recursive: true });
  const date = new Date().toISOString().replace(/[:.]/g, '-');
  const path = join(dir, `${prefixOf(subject)}-${date}.txt`);
  await writeFile(path, `${text}\n\n${JSON.stringify(mediansOf(result))}\n`);
  return path;
}

/** Ratios to the last result of the same subject; undefined when there is none. */
export async function compareWithLast(
  dir: string,
  subject: BenchSubject,
  result: BenchResult,
): Promise<string | undefined> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => name.startsWith(`${prefixOf(subject)}-2`)).sort();
  const last = names.at(-1);
  if (!last) return undefined;
  const lines = (await readFile(join(dir, last), 'utf8')).trimEnd().split('\n');
  const before = JSON.parse(lines[lines.length - 1]) as Medians;
  const ratios = Object.entries(mediansOf(result))
    .filter(([name]) => before[name] !== undefined)
    .map(([name, ms]) => `${name} ${(ms / before[name]).toFixed(2)}×`);
  return `time against ${last}: ${ratios.join(', ')}`;
}

function mediansOf({ prefill, decode, encode }: BenchResult): Medians {
  const entry = (name: string, ms: Timings): [string, number] => [name, Number(median(ms).toFixed(2))];
  return Object.fromEntries([
    ...prefill.map(({ numTokens, ms }) => entry(`prefill ${numTokens}`, ms)),
    ...decode.map(({ batchSize, stepMs }) => entry(`decode ${batchSize}`, stepMs)),
    ...encode.map(({ side, ms }) => entry(`encode ${side}`, ms)),
  ]);
}
