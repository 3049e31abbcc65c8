import { createHash } from 'node:crypto';
import { truncateSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Checkpoint } from '../checkpoint/checkpoint.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { tinyTensors, writeTinyCheckpoint } from '../testing/tiny-checkpoint.js';
import { weightPlans } from '../weights/weight-plan.js';
import { type CompileHooks, type CompileProgress, compileEngine } from './compile-engine.js';
import { EngineCache } from './engine-cache.js';
import type { EngineOptions } from './engine-manifest.js';

const oneRank: EngineOptions = { weights: weightPlans.fp32, numRanks: 1, cut: 'attention', hasTaps: false };
const twoRanks: EngineOptions = { ...oneRank, numRanks: 2, cut: 'allReduce' };

async function tinyWorld(tensors = tinyTensors()) {
  const checkpointDir = await temporaryFolder();
  const cacheDir = await temporaryFolder();
  await writeTinyCheckpoint(checkpointDir, tensors);
  await writeFile(join(checkpointDir, 'tokenizer.json'), '{}');
  const compile = async (options: EngineOptions, hooks: CompileHooks = {}) => {
    const checkpoint = await Checkpoint.open(checkpointDir);
    onTestFinished(() => checkpoint.close());
    return compileEngine(checkpoint, options, new EngineCache(cacheDir), hooks);
  };
  return { checkpointDir, cacheDir, compile };
}

describe('compileEngine', () => {
  it('writes the graphs of one rank in the order of a step', async () => {
    const { compile } = await tinyWorld();
    const { dir, manifest, isReused } = await compile(oneRank);
    expect(isReused).toBe(false);
    expect(manifest.encoder.tower).toBe('encoder/tower.onnx');
    expect(manifest.decoder.ranks.map(({ graphs }) => graphs)).toEqual([
      ['decoder/rank-0/between-000.onnx', 'decoder/rank-0/between-001.onnx', 'decoder/rank-0/head.onnx'],
    ]);
    expect(await readFile(join(dir, 'checkpoint/tokenizer.json'), 'utf8')).toBe('{}');
  });

  it('cuts the decoder of several ranks at the all-reduces', async () => {
    const { compile } = await tinyWorld();
    const { manifest } = await compile(twoRanks);
    expect(manifest.decoder.ranks.map(({ shard, graphs }) => [shard.rank, graphs])).toEqual(
      [0, 1].map((rank) => [
        rank,
        ['attention-in-000', 'attention-out-000', 'mlp-000', 'head'].map((name) => `decoder/rank-${rank}/${name}.onnx`),
      ]),
    );
  });

  it('ends at an abort, in any phase, and leaves nothing behind', async () => {
    for (const phase of ['digest', 'weights', 'probe'] as const) {
      const { cacheDir, compile } = await tinyWorld();
      const interrupt = new AbortController();
      const seen: string[] = [];
      const compiling = compile(oneRank, {
        signal: interrupt.signal,
        onProgress: (progress) => {
          if (progress.phase === phase) interrupt.abort(new Error('interrupted'));
          seen.push(progress.phase);
        },
        probe: async () => ({ numThreads: 1, isDecoderInvariant: true, isTileInvariant: true, ops: [] }),
      });
      await expect(compiling, phase).rejects.toThrow('interrupted');
      expect(seen.at(-1)).toBe(phase);
      expect(await readdir(join(cacheDir, 'engines')).catch(() => [])).toEqual([]);
    }
  });

  it('lists every file with its size and digest', async () => {
    const { compile } = await tinyWorld();
    const { dir, manifest } = await compile(twoRanks);
    for (const { path, numBytes, sha256 } of manifest.files) {
      const content = await readFile(join(dir, path));
      expect([path, content.length]).toEqual([path, numBytes]);
      expect([path, createHash('sha256').update(content).digest('hex')]).toEqual([path, sha256]);
    }
    const entries = await readdir(dir, { recursive: true, withFileTypes: true });
    expect(manifest.files).toHaveLength(entries.filter((entry) => entry.isFile()).length - 1);
  });

  it('refuses int4 shards that would cut a block', async () => {
    const { compile } = await tinyWorld();
    const options: EngineOptions = { ...twoRanks, weights: weightPlans.int4 };
    await expect(compile(options)).rejects.toMatchObject({ reason: 'tensor_parallel_degree' });
    await expect(compile({ ...options, numRanks: 1 })).resolves.toMatchObject({ isReused: false });
  });

  it('gives each rank its part of a weight', async () => {
    const { compile } = await tinyWorld();
    const { dir, manifest } = await compile(twoRanks);
    const firstValues = [];
    for (const { weights } of manifest.decoder.ranks) {
      const { offset, numBytes } = weights.locations['model.layers.0.self_attn.qkv_proj.bias'];
      const bytes = (await readFile(join(dir, weights.file))).subarray(offset, offset + numBytes);
      firstValues.push(Array.from({ length: Math.min(8, numBytes / 4) }, (_, i) => bytes.readFloatLE(i * 4)));
    }
    expect(firstValues).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7],
      [8, 9, 10, 11, 12, 13, 14, 15],
    ]);
  });

  it('finds the engine compiled before', async () => {
    const { compile } = await tinyWorld();
    const first = await compile(oneRank);
    const second = await compile(oneRank, { probe: () => Promise.reject(new Error('compiled again')) });
    expect(second).toEqual({ ...first, isReused: true });
  });

  it('compiles anew for other options', async () => {
    const { compile } = await tinyWorld();
    expect((await compile(twoRanks)).dir).not.toBe((await compile(oneRank)).dir);
  });

  it('counts up to the bytes it announced in every phase', async () => {
    const { compile, checkpointDir } = await tinyWorld();
    const last = new Map<string, CompileProgress>();
    await compile(twoRanks, { onProgress: (progress) => last.set(progress.phase, progress) });
    const { size } = await stat(join(checkpointDir, 'model.safetensors'));
    expect(last.get('digest')).toEqual({ phase: 'digest', doneBytes: size, totalBytes: size });
    const { doneBytes, totalBytes } = last.get('weights')!;
    expect([doneBytes > 0, doneBytes]).toEqual([true, totalBytes]);
  });

  it('keeps what the probe found', async () => {
    const { compile } = await tinyWorld();
    const rowInvariance = { numThreads: 3, isDecoderInvariant: true, isTileInvariant: true, ops: [] };
    await compile(oneRank, { probe: async () => rowInvariance });
    expect((await compile(oneRank)).manifest.rowInvariance).toEqual(rowInvariance);
  });

  it('leaves nothing behind when the probe fails', async () => {
    const { compile, cacheDir } = await tinyWorld();
    await expect(compile(oneRank, { probe: () => Promise.reject(new Error('no runtime')) })).rejects.toThrow();
    expect(await readdir(join(cacheDir, 'engines'))).toEqual([]);
  });

  it('leaves nothing behind when a shard is cut while it is read', async () => {
    const { compile, cacheDir, checkpointDir } = await tinyWorld();
    const onProgress = ({ phase }: CompileProgress): void => {
      if (phase === 'digest') truncateSync(join(checkpointDir, 'model.safetensors'), 2000);
    };
    await expect(compile(oneRank, { onProgress })).rejects.toMatchObject({ reason: 'checkpoint_truncated' });
    expect(await readdir(join(cacheDir, 'engines'))).toEqual([]);
  });

  it('refuses a missing tensor before it writes anything', async () => {
    const tensors = tinyTensors();
    tensors.delete('model.norm.weight');
    const { compile, cacheDir } = await tinyWorld(tensors);
    await expect(compile(oneRank)).rejects.toMatchObject({ reason: 'tensor_missing' });
    expect(await readdir(cacheDir)).toEqual([]);
  });

  it('refuses a degree that the heads do not allow before it writes anything', async () => {
    const { compile, cacheDir } = await tinyWorld();
    await expect(compile({ ...twoRanks, numRanks: 3 })).rejects.toMatchObject({ reason: 'tensor_parallel_degree' });
    expect(await readdir(cacheDir)).toEqual([]);
  });
});
