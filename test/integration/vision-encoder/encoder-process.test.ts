import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMemoryBus, type Member, MemoryHub } from '@tessera/bus';
import { type EncodeJob, type EncoderUpdate, embeddingKey } from '@tessera/domain';
import { createEncoderEngine, prepareEngine } from '@tessera/engine';
import { loadProcessor, parseWeightPlan, servingOptions } from '@tessera/onnx-graph';
import { attachEncoder, connectEmbeddingStore, connectVisionEncoder } from '@tessera/rpc';
import { createLogger, loadConfig } from '@tessera/runtime';
import { createEncodeJob } from '@tessera/testkit';
import {
  createMediaDecoderPool,
  type StartedVisionEncoder,
  startVisionEncoder,
  visionEncoderConfigSchema,
} from '@tessera/vision-encoder';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestContext, type TestContext } from './support/process-context.js';

const modelDir = fileURLToPath(new URL('../../../models/tessera-tiny', import.meta.url));
const pictures = [
  { name: 'a_131x77.png', width: 131, height: 77 },
  { name: 'l_photo_150x99.jpg', width: 150, height: 99 },
  { name: 'c_tall_61x283.png', width: 61, height: 283 },
];
const never = new AbortController().signal;

async function jobOf({ name, width, height }: (typeof pictures)[number]): Promise<EncodeJob> {
  const { grid, resized } = (await loadProcessor(modelDir)).measureImage({ width, height });
  return createEncodeJob({
    embeddingKey: embeddingKey(name),
    grid,
    processing: { resizedHeight: resized.height, resizedWidth: resized.width },
    source: await readFile(new URL(`../../parity/goldens/media/${name}`, import.meta.url)),
  });
}

async function first<Value>(values: AsyncIterable<Value>): Promise<Value | undefined> {
  for await (const value of values) return value;
  return undefined;
}

describe('a vision encoder as a process', () => {
  let cacheDir: string;
  let context: TestContext;
  let encoder: StartedVisionEncoder;
  let jobs: EncodeJob[];
  const bus = createMemoryBus(new MemoryHub());
  const members = async (): Promise<readonly Member[]> => (await first(bus.watch('vision-encoder', never))) ?? [];

  beforeAll(async () => {
    cacheDir = await mkdtemp(join(tmpdir(), 'tessera-encoder-'));
    context = createTestContext();
    const overrides = { model: modelDir, engineCache: cacheDir, weights: 'fp32', threads: 1, deterministic: true };
    const config = loadConfig(visionEncoderConfigSchema, { env: {}, overrides });
    const logger = createLogger({ name: 'vision-encoder', level: 'silent' });
    encoder = await startVisionEncoder(config, { logger, context, bus });
    jobs = await Promise.all(pictures.map(jobOf));
  });
  afterAll(async () => {
    await context.end();
    await rm(cacheDir, { recursive: true });
  });

  test('is ready and known to the cell once it serves', async () => {
    expect(encoder.health.report().isReady).toBe(true);
    expect(encoder.address).toMatch(/^127\.0\.0\.1:\d+$/);
    const { manifest } = await prepareEngine(modelDir, servingOptions(parseWeightPlan('fp32'), 1), {
      cacheDir,
      numThreads: 1,
    });
    expect(await members()).toMatchObject([
      { id: encoder.address, address: encoder.address, facts: { modelRevision: manifest.modelRevision } },
    ]);
  });

  test('turns pictures into the rows that the engine gives for them', async () => {
    const remote = connectVisionEncoder(encoder.address);
    const store = connectEmbeddingStore(encoder.address);
    await Promise.all(jobs.map((job) => remote.encode(job, never)));
    const fetched = await Promise.all(jobs.map((job) => store.fetch(job.embeddingKey)));
    expect(fetched.map((embedding) => embedding?.data)).toEqual(await encodeHere(cacheDir, jobs));
    expect(await store.fetch(embeddingKey('unknown'))).toBeUndefined();
    store.close();
    remote.close();
  });

  test('tells a scheduler what it holds', async () => {
    const attached = new AbortController();
    const feed = await attachEncoder(encoder.address, {}, attached.signal);
    const update: EncoderUpdate | undefined = await first(feed.updates(attached.signal));
    expect([...(update?.ready ?? [])].sort()).toEqual(pictures.map(({ name }) => name).sort());
    attached.abort();
  });

  test('refuses what is no picture, in its own words', async () => {
    const remote = connectVisionEncoder(encoder.address);
    const job = createEncodeJob({ source: new TextEncoder().encode('no picture') });
    await expect(remote.encode(job, never)).rejects.toMatchObject({ reason: 'unsupported_media_type' });
    remote.close();
  });

  test('counts what it did', async () => {
    const text = await encoder.metrics.render();
    for (const line of ['tessera_encoded_visuals_total 3', 'tessera_embedding_fetches_total{result="miss"} 1']) {
      expect(text).toContain(`\n${line}\n`);
    }
  });

  test('is unknown to the cell before it stops serving', async () => {
    const attached = new AbortController();
    const feed = await attachEncoder(encoder.address, {}, attached.signal);
    const updates = feed.updates(attached.signal)[Symbol.asyncIterator]();
    await updates.next();
    expect(await context.end()).toEqual(['membership', 'server', 'media decoders', 'tower']);
    expect(await members()).toEqual([]);
    expect(encoder.health.report().isReady).toBe(false);
    await expect(updates.next()).rejects.toMatchObject({ reason: 'shutting_down' });
    attached.abort();
  });
});

async function encodeHere(cacheDir: string, jobs: readonly EncodeJob[]): Promise<Float32Array[]> {
  const engineOptions = servingOptions(parseWeightPlan('fp32'), 1);
  const { dir } = await prepareEngine(modelDir, engineOptions, { cacheDir, numThreads: 1 });
  const engine = await createEncoderEngine(dir, { numThreads: 1, isDeterministic: true });
  const limits = { numProcesses: 1, deadlineMs: 30_000, maxMemoryBytes: 2 ** 31, maxPixels: 1e8 };
  const decoders = createMediaDecoderPool(limits);
  try {
    const visuals = [];
    for (const { grid, source, processing } of jobs) {
      const { height, width, data } = await decoders.decode({ source, ...processing }, never);
      visuals.push({ grid, numFrames: 1, height, width, frames: data });
    }
    return await engine.encode(visuals);
  } finally {
    await decoders.close();
    await engine.close();
  }
}
