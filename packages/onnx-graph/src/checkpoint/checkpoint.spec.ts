import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import {
  countingTensor,
  encodeSafetensors,
  type RawTensor,
  tinyRawConfig,
  tinyTensors,
  writeConfig,
  writeTinyCheckpoint,
  zeroTensor,
} from '../testing/tiny-checkpoint.js';
import { Checkpoint } from './checkpoint.js';

async function openCheckpoint(dir: string): Promise<Checkpoint> {
  const checkpoint = await Checkpoint.open(dir);
  onTestFinished(() => checkpoint.close());
  return checkpoint;
}

/** Writes the tensors as two shards with an index; `weightMap` replaces the true one. */
async function writeShards(dir: string, weightMap?: unknown): Promise<void> {
  await writeConfig(dir);
  const tensors = [...tinyTensors()];
  const shards = { 'a.safetensors': tensors.slice(0, 10), 'b.safetensors': tensors.slice(10) };
  for (const [name, part] of Object.entries(shards)) await writeFile(join(dir, name), encodeSafetensors(new Map(part)));
  const map = Object.entries(shards).flatMap(([file, part]) => part.map(([name]) => [name, file]));
  const index = { weight_map: weightMap ?? Object.fromEntries(map) };
  await writeFile(join(dir, 'model.safetensors.index.json'), JSON.stringify(index));
}

describe('Checkpoint.open', () => {
  it('reads a single file', async () => {
    const dir = await temporaryFolder();
    await writeTinyCheckpoint(dir);
    const checkpoint = await openCheckpoint(dir);
    expect(checkpoint.shapes.size).toBe(tinyTensors().size);
    expect(checkpoint.shapes.get('model.embed_tokens.weight')).toEqual([20, 16]);
    expect(checkpoint.config.text.numKvHeads).toBe(2);
  });

  it('reads the shards that the index names and no others', async () => {
    const dir = await temporaryFolder();
    await writeShards(dir);
    await writeFile(join(dir, 'optimizer.safetensors'), 'something else');
    const checkpoint = await openCheckpoint(dir);
    expect([...checkpoint.shapes.keys()].sort()).toEqual([...tinyTensors().keys()].sort());
    expect([...(await checkpoint.readRows('model.norm.weight', 2, 4))]).toEqual([2, 3]);
  });

  it('reads shards without an index', async () => {
    const dir = await temporaryFolder();
    await writeConfig(dir);
    const tensors = [...tinyTensors()];
    await writeFile(join(dir, '1.safetensors'), encodeSafetensors(new Map(tensors.slice(0, 3))));
    await writeFile(join(dir, '2.safetensors'), encodeSafetensors(new Map(tensors.slice(3))));
    expect((await openCheckpoint(dir)).shapes.size).toBe(tensors.length);
  });

  it('knows tensors by their original names when the file uses the newer ones', async () => {
    const dir = await temporaryFolder();
    const renamed = [...tinyTensors()].map(([name, tensor]): [string, RawTensor] => [
      name.startsWith('visual.') ? `model.${name}` : name.replace('model.', 'model.language_model.'),
      tensor,
    ]);
    await writeTinyCheckpoint(dir, new Map(renamed));
    const checkpoint = await openCheckpoint(dir);
    expect([...checkpoint.shapes.keys()]).toEqual([...tinyTensors().keys()]);
  });

  it('fills dimensions that config.json lacks from the tensors', async () => {
    const dir = await temporaryFolder();
    await writeTinyCheckpoint(dir);
    const { num_hidden_layers: _, intermediate_size: __, ...config } = tinyRawConfig;
    await writeConfig(dir, config);
    expect((await openCheckpoint(dir)).config.text).toMatchObject({ numLayers: 1, intermediateSize: 40 });
  });

  it('refuses a path that is no folder', async () => {
    const dir = join(await temporaryFolder(), 'nowhere');
    await expect(Checkpoint.open(dir)).rejects.toMatchObject({
      reason: 'checkpoint_not_found',
      message: `${dir} is not a folder.`,
    });
  });

  it('refuses a folder without config.json', async () => {
    const dir = await temporaryFolder();
    await expect(Checkpoint.open(dir)).rejects.toMatchObject({
      reason: 'checkpoint_not_found',
      message: expect.stringContaining('There is no config.json'),
    });
  });

  it('refuses a folder without weights', async () => {
    const dir = await temporaryFolder();
    await writeConfig(dir);
    await expect(Checkpoint.open(dir)).rejects.toMatchObject({
      reason: 'checkpoint_not_found',
      message: expect.stringContaining('no .safetensors file'),
    });
  });

  it('refuses a config.json that is no JSON', async () => {
    const dir = await temporaryFolder();
    await writeTinyCheckpoint(dir);
    await writeFile(join(dir, 'config.json'), '{');
    await expect(Checkpoint.open(dir)).rejects.toMatchObject({
      reason: 'checkpoint_invalid',
      message: 'config.json is not JSON.',
    });
  });

  it('refuses another model by its model_type', async () => {
    const dir = await temporaryFolder();
    await writeTinyCheckpoint(dir);
    await writeConfig(dir, { ...tinyRawConfig, model_type: 'llama' });
    await expect(Checkpoint.open(dir)).rejects.toMatchObject({ reason: 'unsupported_model_type' });
  });

  it('names a shard that the index promises and the folder lacks', async () => {
    const dir = await temporaryFolder();
    await writeShards(dir, { 'model.norm.weight': 'c.safetensors' });
    await expect(Checkpoint.open(dir)).rejects.toMatchObject({
      reason: 'checkpoint_not_found',
      message: expect.stringContaining('Shard c.safetensors is missing'),
    });
  });

  const badMaps: Readonly<Record<string, unknown>> = {
    'a list': [],
    empty: {},
    numbers: { 'model.norm.weight': 1 },
    'paths out of the folder': { 'model.norm.weight': '../a.safetensors' },
  };
  for (const [what, weightMap] of Object.entries(badMaps)) {
    it(`refuses an index whose weight map is ${what}`, async () => {
      const dir = await temporaryFolder();
      await writeShards(dir, weightMap);
      await expect(Checkpoint.open(dir)).rejects.toMatchObject({
        reason: 'checkpoint_invalid',
        message: expect.stringContaining('model.safetensors.index.json'),
      });
    });
  }

  it('refuses an index that is null', async () => {
    const dir = await temporaryFolder();
    await writeTinyCheckpoint(dir);
    await writeFile(join(dir, 'model.safetensors.index.json'), 'null');
    await expect(Checkpoint.open(dir)).rejects.toMatchObject({ reason: 'checkpoint_invalid' });
  });

  it('names a tensor that two shards hold under different names', async () => {
    const dir = await temporaryFolder();
    await writeTinyCheckpoint(dir);
    const twin = new Map([['model.language_model.norm.weight', zeroTensor([16])]]);
    await writeFile(join(dir, 'twin.safetensors'), encodeSafetensors(twin));
    await expect(Checkpoint.open(dir)).rejects.toMatchObject({
      reason: 'checkpoint_invalid',
      message: 'Tensor model.language_model.norm.weight occurs twice.',
    });
  });

  it('names a tensor whose bytes contradict its shape', async () => {
    const dir = await temporaryFolder();
    const tensors = tinyTensors().set('model.norm.weight', { ...zeroTensor([15]), shape: [16] });
    await writeTinyCheckpoint(dir, tensors);
    await expect(Checkpoint.open(dir)).rejects.toMatchObject({
      reason: 'checkpoint_invalid',
      message: 'Tensor model.norm.weight of shape [16] and dtype F32 needs 64 bytes and has 60.',
    });
  });

  it('names a tensor of integers', async () => {
    const dir = await temporaryFolder();
    await writeTinyCheckpoint(dir, tinyTensors().set('model.norm.weight', { ...zeroTensor([16]), dtype: 'I32' }));
    await expect(Checkpoint.open(dir)).rejects.toMatchObject({
      reason: 'tensor_dtype',
      facts: { tensor: 'model.norm.weight', dtype: 'I32' },
    });
  });
});

describe('Checkpoint', () => {
  it('reads ranges of rows, widened or as stored', async () => {
    const dir = await temporaryFolder();
    const halves = Uint16Array.of(0x3f80, 0x4000, 0x4040, 0x4080);
    const bf16 = { dtype: 'BF16', shape: [16], bytes: new Uint8Array(32) };
    bf16.bytes.set(new Uint8Array(halves.buffer), 8);
    await writeTinyCheckpoint(dir, tinyTensors().set('model.norm.weight', bf16));
    const checkpoint = await openCheckpoint(dir);
    expect(checkpoint.dtypeOf('model.norm.weight')).toBe('BF16');
    expect([...(await checkpoint.readRows('model.norm.weight', 4, 8))]).toEqual([1, 2, 3, 4]);
    expect([...(await checkpoint.readRowBytes('model.norm.weight', 4, 5))]).toEqual([0x80, 0x3f]);
    const rows = await checkpoint.readRows('model.embed_tokens.weight', 1, 3);
    expect([...rows]).toEqual(Array.from({ length: 32 }, (_, i) => 16 + i));
  });

  it('reads metadata files that are there', async () => {
    const dir = await temporaryFolder();
    await writeTinyCheckpoint(dir);
    await writeFile(join(dir, 'generation_config.json'), '{"top_k":1}');
    await writeFile(join(dir, 'tokenizer.json'), 'no JSON');
    const checkpoint = await openCheckpoint(dir);
    expect(await checkpoint.readMetadataJson('generation_config.json')).toEqual({ top_k: 1 });
    expect(await checkpoint.readMetadata('chat_template.json')).toBeUndefined();
    await expect(checkpoint.readMetadataJson('tokenizer.json')).rejects.toMatchObject({ reason: 'checkpoint_invalid' });
  });

  it('names a tensor that it does not have', async () => {
    const dir = await temporaryFolder();
    await writeTinyCheckpoint(dir);
    const checkpoint = await openCheckpoint(dir);
    expect(() => checkpoint.dtypeOf('nothing')).toThrow(expect.objectContaining({ reason: 'tensor_missing' }));
  });

  describe('digest', () => {
    async function digestOf(change: (dir: string) => Promise<void>): Promise<string> {
      const dir = join(await temporaryFolder(), 'checkpoint');
      await mkdir(dir);
      await writeTinyCheckpoint(dir);
      await change(dir);
      return (await openCheckpoint(dir)).digest();
    }

    it('depends on the content and not on the place', async () => {
      const same = await Promise.all([digestOf(async () => {}), digestOf(async () => {})]);
      expect(same[0]).toMatch(/^[0-9a-f]{64}$/);
      expect(same[1]).toBe(same[0]);
    });

    const changes: Readonly<Record<string, (dir: string) => Promise<void>>> = {
      'one weight changes': (dir) => {
        const tensor = countingTensor([16]);
        tensor.bytes[0] = 1;
        return writeTinyCheckpoint(dir, tinyTensors().set('model.norm.weight', tensor));
      },
      'the configuration changes': (dir) => writeConfig(dir, { ...tinyRawConfig, rope_theta: 5 }),
      'a tokenizer comes': (dir) => writeFile(join(dir, 'tokenizer.json'), '{}'),
    };
    for (const [what, change] of Object.entries(changes)) {
      it(`changes when ${what}`, async () => {
        expect(await digestOf(change)).not.toBe(await digestOf(async () => {}));
      });
    }

    it('tells of every byte of the weights once', async () => {
      const dir = await temporaryFolder();
      await writeTinyCheckpoint(dir);
      const checkpoint = await openCheckpoint(dir);
      let numBytes = 0;
      await checkpoint.digest((more) => {
        numBytes += more;
      });
      expect(numBytes).toBe(checkpoint.numBytes);
    });
  });
});
