import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeRandomCheckpoint } from '@tessera/cli';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiClient } from '../e2e/support/api-client.js';
import { drawNoise } from '../e2e/support/pictures.js';
import { picturePart, question, textPart } from '../e2e/support/questions.js';
import { startServer } from '../e2e/support/start-server.js';
import { runTessera } from '../e2e/support/tessera-process.js';
import { midSizeConfig } from './support/mid-size-config.js';
import { peakMemoryBytes } from './support/peak-memory.js';

const tolerance = 0.15;
const pictureSide = 448;
const patchPixels = 14 ** 2;

let dir: string;
let midSize: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tessera-memory-'));
  midSize = join(dir, 'mid-size');
  await writeRandomCheckpoint(midSize, midSizeConfig, { seed: 1 });
});
afterAll(() => rm(dir, { recursive: true }));

type Options = Readonly<Record<string, string | number>>;

/** Runs a command about the model to its end, and returns what it printed. */
async function printed(command: string, model: string, options: Options, ...flags: string[]): Promise<string> {
  const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const tessera = runTessera([command, model, ...given, ...flags]);
  expect(await tessera.exited, tessera.output).toBe(0);
  return tessera.output;
}

/** What `tessera inspect` says of the most memory that serving takes. */
async function predictBytes(model: string, options: Options): Promise<number> {
  return JSON.parse(await printed('inspect', model, options, '--json')).memory.totalBytes;
}

/** Fills a step, both picture decoders, the tower with one picture and the cache of embeddings, twice. */
async function fill(api: ApiClient): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await api.complete(question('word '.repeat(700), { max_tokens: 4, ignore_eos: true }));
    const pictures = await Promise.all(Array.from({ length: 4 }, () => drawNoise(pictureSide, pictureSide, 'png')));
    const ask = (picture: Buffer) => question([picturePart(picture), textPart('What?')], { max_tokens: 4 });
    await Promise.all(pictures.map((picture) => api.complete(ask(picture))));
  }
}

describe('tessera inspect predicts the peak memory of serving within 15 %', () => {
  for (const [title, modelOf, imagePixels, { weights, kv }] of [
    // It sees a picture of this side in 36 tokens of 784 pixels.
    ['the bundled model in fp32', () => 'models/tessera-tiny', 36 * 784, { weights: 'fp32', kv: 'float32' }],
    ['a model of 70 million parameters in int8', () => midSize, pictureSide ** 2, { weights: 'int8', kv: 'int8' }],
  ] as const) {
    it(`of ${title}`, { timeout: 300_000 }, async () => {
      const model = modelOf();
      // Of four pictures that come at once, one or three may find the tower free.
      const limits = {
        kv,
        'kv-cache-tokens': 4_096,
        'embedding-cache-bytes': 2_000_000,
        'encode-batch-patches': imagePixels / patchPixels,
      };
      const predicted = await predictBytes(model, { weights, ...limits, 'image-pixels': imagePixels });
      // Ahead, since a process that has compiled keeps some of the memory for it.
      const engine = { weights, 'engine-cache': join(dir, 'engines') };
      await printed('compile', model, engine);
      const server = await startServer({ ...engine, ...limits, model });
      const peak = await peakMemoryBytes(server.process.pid, () => fill(server.api)).finally(() => server.stop());
      expect(Math.abs(predicted / peak - 1), `predicted ${predicted}, seen ${peak}`).toBeLessThan(tolerance);
    });
  }
});
