import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Checkpoint } from '../checkpoint/checkpoint.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { tinyConfig, writeTinyCheckpoint } from '../testing/tiny-checkpoint.js';
import { weightPlans } from '../weights/weight-plan.js';
import { EngineCache, readManifest } from './engine-cache.js';
import { type EngineManifest, engineFormatVersion } from './engine-manifest.js';

/** A manifest of the given files. */
function manifestOf(files: Readonly<Record<string, number>>): EngineManifest {
  const weights = { file: 'weights.bin', locations: {} };
  return {
    formatVersion: engineFormatVersion,
    modelRevision: 'abc',
    options: { weights: weightPlans.fp32, numRanks: 1, cut: 'attention', hasTaps: false },
    forms: { plan: weightPlans.fp32, packed: {} },
    config: tinyConfig,
    encoder: { patchEmbed: 'a.onnx', stillPatchEmbed: 'b.onnx', tower: 'c.onnx', weights },
    decoder: { ranks: [] },
    embedding: { file: 'embedding.bin', dtype: 'F32', numRows: 1, rowLen: 1 },
    files: Object.entries(files).map(([path, numBytes]) => ({ path, numBytes, sha256: '' })),
  };
}

/** An engine of one file of three bytes. */
async function writeEngine(dir: string): Promise<EngineManifest> {
  await writeFile(join(dir, 'weights.bin'), 'abc');
  return manifestOf({ 'weights.bin': 3 });
}

async function cacheWithEngine(): Promise<{ cache: EngineCache; dir: string }> {
  const cache = new EngineCache(await temporaryFolder());
  await cache.publish('key', writeEngine);
  return { cache, dir: cache.engineDir('key') };
}

/** Id of a process that has ended. */
function endedPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

describe('EngineCache.publish', () => {
  it('makes the engine appear whole, with its manifest', async () => {
    const cacheDir = await temporaryFolder();
    const cache = new EngineCache(cacheDir);
    const manifest = await cache.publish('key', async (dir) => {
      expect(await cache.find('key')).toBeUndefined();
      return writeEngine(dir);
    });
    expect(await cache.find('key')).toEqual(manifest);
    expect(await readdir(join(cacheDir, 'engines'))).toEqual(['key']);
    expect((await readdir(cache.engineDir('key'))).sort()).toEqual(['manifest.json', 'weights.bin']);
  });

  it('leaves nothing behind when writing fails', async () => {
    const cacheDir = await temporaryFolder();
    const cache = new EngineCache(cacheDir);
    const failing = cache.publish('key', async (dir) => {
      await writeEngine(dir);
      throw new Error('truncated');
    });
    await expect(failing).rejects.toThrow('truncated');
    expect(await readdir(join(cacheDir, 'engines'))).toEqual([]);
  });

  it('names a full disk', async () => {
    const cache = new EngineCache(await temporaryFolder());
    const failing = cache.publish('key', () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })));
    await expect(failing).rejects.toMatchObject({ reason: 'disk_full' });
  });

  it('keeps the engine that another process published meanwhile', async () => {
    const { cache, dir } = await cacheWithEngine();
    await cache.publish('key', async (partialDir) => {
      await writeFile(join(partialDir, 'weights.bin'), 'xyz');
      return manifestOf({ 'weights.bin': 3 });
    });
    expect(await readFile(join(dir, 'weights.bin'), 'utf8')).toBe('abc');
    expect(await readdir(join(dir, '..'))).toEqual(['key']);
  });

  it('keeps an engine that appears where a broken one was looked at', async () => {
    const { cache, dir } = await cacheWithEngine();
    await rm(join(dir, 'manifest.json'));
    const other = new EngineCache(join(dir, '..', '..'));
    const find = cache.find.bind(cache);
    cache.find = async (key) => {
      const found = await find(key);
      await other.publish(key, writeEngine);
      return found;
    };
    await cache.publish('key', async (partialDir) => {
      await writeFile(join(partialDir, 'weights.bin'), 'xyz');
      return manifestOf({ 'weights.bin': 3 });
    });
    expect(await readFile(join(dir, 'weights.bin'), 'utf8')).toBe('abc');
    expect(await readdir(join(dir, '..'))).toEqual(['key']);
  });

  it('publishes the same engine twice at once from one process', async () => {
    const cache = new EngineCache(await temporaryFolder());
    let numWriting = 0;
    let bothWrite: () => void = () => {};
    const together = new Promise<void>((resolve) => {
      bothWrite = resolve;
    });
    const publish = () =>
      cache.publish('key', async (dir) => {
        numWriting++;
        if (numWriting === 2) bothWrite();
        await together;
        await writeFile(join(dir, 'weights.bin'), 'abc', { flag: 'wx' });
        return manifestOf({ 'weights.bin': 3 });
      });
    await Promise.all([publish(), publish()]);
    expect(await cache.find('key')).toBeDefined();
    expect(await readdir(join(cache.engineDir('key'), '..'))).toEqual(['key']);
  });

  it('removes what dead processes left and leaves the living alone', async () => {
    const cacheDir = await temporaryFolder();
    const enginesDir = join(cacheDir, 'engines');
    const [dead, alive] = [`old.${endedPid()}.a.partial`, `other.${process.ppid}.b.partial`];
    for (const name of [dead, alive]) await mkdir(join(enginesDir, name), { recursive: true });
    await new EngineCache(cacheDir).publish('key', writeEngine);
    expect((await readdir(enginesDir)).sort()).toEqual(['key', alive]);
  });
});

describe('an EngineCache that cannot be written', () => {
  it('is named before anything is read or written', async () => {
    const checkpointDir = await temporaryFolder();
    await writeTinyCheckpoint(checkpointDir);
    const checkpoint = await Checkpoint.open(checkpointDir);
    onTestFinished(() => checkpoint.close());
    const cache = new EngineCache('/proc/tessera');
    const refusal = {
      reason: 'invalid_option',
      message: '--engine-cache /proc/tessera cannot be written: ENOENT at /proc/tessera.',
    };
    const unexpected = () => Promise.reject(new Error('must not be called'));
    await expect(cache.publish('key', unexpected)).rejects.toMatchObject(refusal);
    checkpoint.digest = unexpected;
    await expect(cache.revisionOf(checkpoint, () => {})).rejects.toMatchObject(refusal);
  });

  it('is named when a file lies in its place', async () => {
    const file = join(await temporaryFolder(), 'cache');
    await writeFile(file, '');
    const publishing = new EngineCache(file).publish('key', writeEngine);
    await expect(publishing).rejects.toThrow(`--engine-cache ${file} cannot be written: ENOTDIR`);
  });
});

describe('EngineCache.find', () => {
  it('removes nothing, since another process may be publishing there', async () => {
    const { cache, dir } = await cacheWithEngine();
    await rm(join(dir, 'manifest.json'));
    expect(await cache.find('key')).toBeUndefined();
    expect(await readdir(dir)).toEqual(['weights.bin']);
  });

  it('finds nothing in an empty cache', async () => {
    expect(await new EngineCache(await temporaryFolder()).find('key')).toBeUndefined();
  });

  const damages: Readonly<Record<string, (dir: string) => Promise<void>>> = {
    'lost a file': (dir) => rm(join(dir, 'weights.bin')),
    'lost a part of a file': (dir) => truncate(join(dir, 'weights.bin'), 2),
    'lost its manifest': (dir) => rm(join(dir, 'manifest.json')),
    'has an empty manifest': (dir) => truncate(join(dir, 'manifest.json'), 0),
    'has half a manifest': (dir) => truncate(join(dir, 'manifest.json'), 100),
    'has another format': (dir) =>
      writeFile(join(dir, 'manifest.json'), JSON.stringify({ ...manifestOf({}), formatVersion: 0 })),
  };
  for (const [what, damage] of Object.entries(damages)) {
    it(`does not find an engine that ${what}, and puts a new one in its place`, async () => {
      const { cache, dir } = await cacheWithEngine();
      await damage(dir);
      await expect(readManifest(dir)).rejects.toMatchObject({ reason: 'engine_invalid' });
      expect(await cache.find('key')).toBeUndefined();
      const manifest = await cache.publish('key', writeEngine);
      expect(await cache.find('key')).toEqual(manifest);
    });
  }

  it('says which file is wrong', async () => {
    const { dir } = await cacheWithEngine();
    await truncate(join(dir, 'weights.bin'), 2);
    await expect(readManifest(dir)).rejects.toThrow('has 2 bytes in weights.bin instead of 3.');
  });
});

describe('EngineCache.revisionOf', () => {
  async function world() {
    const checkpointDir = await temporaryFolder();
    await writeTinyCheckpoint(checkpointDir);
    const cache = new EngineCache(await temporaryFolder());
    const revision = async (): Promise<{ revision: string; numBytes: number }> => {
      const checkpoint = await Checkpoint.open(checkpointDir);
      onTestFinished(() => checkpoint.close());
      let numBytes = 0;
      return { revision: await cache.revisionOf(checkpoint, (more) => (numBytes += more)), numBytes };
    };
    return { checkpointDir, revision };
  }

  it('is the digest of the content', async () => {
    const { checkpointDir, revision } = await world();
    const checkpoint = await Checkpoint.open(checkpointDir);
    onTestFinished(() => checkpoint.close());
    expect((await revision()).revision).toBe(await checkpoint.digest());
  });

  it('reads no weights when nothing changed', async () => {
    const { revision } = await world();
    const first = await revision();
    expect(first.numBytes).toBeGreaterThan(0);
    expect(await revision()).toEqual({ revision: first.revision, numBytes: 0 });
  });

  it('reads them again when a file was touched', async () => {
    const { checkpointDir, revision } = await world();
    const first = await revision();
    await utimes(join(checkpointDir, 'model.safetensors'), 1, 1);
    expect(await revision()).toEqual(first);
  });

  it('is another one when a file came', async () => {
    const { checkpointDir, revision } = await world();
    const first = await revision();
    await writeFile(join(checkpointDir, 'tokenizer.json'), '{}');
    expect((await revision()).revision).not.toBe(first.revision);
  });
});
