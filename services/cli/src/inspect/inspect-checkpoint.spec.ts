import { rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { parseWeightPlan, weightPlans } from '@tessera/onnx-graph';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { tinyShapes, writeTinyCheckpoint } from '../testing/tiny-checkpoint.js';
import { formatInspection } from './format-inspection.js';
import { type InspectOptions, inspectCheckpoint } from './inspect-checkpoint.js';

const options: InspectOptions = {
  weights: weightPlans.fp32,
  kvCache: {
    kv: 'float32',
    maxSequences: 16,
    maxContextLen: undefined,
    kvCacheTokens: undefined,
    kvCacheBytes: 2 ** 20,
  },
  work: {
    threads: 2,
    maxSequences: 16,
    maxStepTokens: 512,
    encodeBatchPatches: 1_024,
    embeddingCacheBytes: 2 ** 29,
    mediaProcesses: 2,
    imagePixels: 1_003_520,
  },
};

async function inspectTiny(change: (shapes: Map<string, readonly number[]>) => void = () => {}, asked = options) {
  const dir = await temporaryFolder();
  const shapes = tinyShapes();
  change(shapes);
  await writeTinyCheckpoint(dir, shapes);
  return inspectCheckpoint(dir, asked);
}

describe('inspectCheckpoint', () => {
  it('finds no problem in a folder that can be served', async () => {
    expect(await inspectTiny()).toMatchObject({
      shards: [{ file: 'model-00001-of-00001.safetensors', numTensors: 32 }],
      dtypes: { BF16: 32 },
      metadataFiles: ['config.json', 'tokenizer.json'],
      counts: { language: { numTensors: 14 }, vision: { numTensors: 18 }, total: { numTensors: 32 } },
      published: { size: undefined, differences: [] },
      tensorParallelDegrees: [1, 2, 4],
      problems: [],
    });
  });

  it('lists every missing, unused and misshaped tensor', async () => {
    const { problems } = await inspectTiny((shapes) => {
      shapes.delete('model.norm.weight');
      shapes.set('model.layers.0.self_attn.q_norm.weight', [4]);
      shapes.set('model.layers.0.mlp.up_proj.weight', [16, 40]);
    });
    expect(problems).toEqual([
      'missing: model.norm.weight [16]',
      'unused: model.layers.0.self_attn.q_norm.weight [4]',
      'misshaped: model.layers.0.mlp.up_proj.weight is [16, 40] instead of [40, 16]',
    ]);
  });

  it('neither counts nor criticises a head stored beside a tied one', async () => {
    const { problems, counts } = await inspectTiny((shapes) => shapes.set('lm_head.weight', [151_665, 16]));
    expect(problems).toEqual([]);
    expect(counts.language.numTensors).toBe(14);
  });

  it('misses the tokenizer', async () => {
    const dir = await temporaryFolder();
    await writeTinyCheckpoint(dir);
    await rm(join(dir, 'tokenizer.json'));
    expect((await inspectCheckpoint(dir, options)).problems).toEqual(['missing: tokenizer.json']);
  });

  it('refuses a shard that is not whole', async () => {
    const dir = await temporaryFolder();
    await writeTinyCheckpoint(dir);
    await truncate(join(dir, 'model-00001-of-00001.safetensors'), 5000);
    await expect(inspectCheckpoint(dir, options)).rejects.toMatchObject({ reason: 'checkpoint_truncated' });
  });
});

describe('formatInspection', () => {
  it('shows counts and memory in aligned columns', async () => {
    const text = formatInspection(await inspectTiny(), options);
    expect(text).toContain(
      [
        'Parameters       tensors  parameters',
        '  language part       14   2,429,408',
        '  vision part         18      11,624',
        '  total               32   2,441,032',
        '  no published size is this wide',
      ].join('\n'),
    );
    expect(text).toContain('KV bytes a token: 32 in bf16, 64 in fp32, 32 in int8\nTensor-parallel degrees: 1, 2, 4\n');
    expect(text).toMatch(/\n\nNo problems found\.$/);
  });

  it('names the form of each part of the weights and of the keys and values', async () => {
    const kvCache = { ...options.kvCache, kv: 'int8' } as const;
    const asked = { ...options, weights: parseWeightPlan('int8,decoder=int4'), kvCache };
    const text = formatInspection(await inspectTiny(undefined, asked), asked);
    expect(text).toMatch(/decoder +\S+ \S+ +weights in int4\n +head .* in int8\n +vision tower .* in int8\n/);
    expect(text).toMatch(/merger .* in int8\n +KV cache .* tokens in int8\n/);
  });

  it('lists what working takes, and for what', async () => {
    const text = formatInspection(await inspectTiny(), options);
    expect(text).toMatch(
      / step .* 512 tokens\n +pictures .* 1,003,520 pixels, or 1,024 patches of several\n +embeddings +537 MB .*\n/,
    );
    expect(text).toMatch(
      / picture decoders +70\.0 MB +2 processes\n +tokenizer .*\n +Node\.js .*\n +total .* at most;/,
    );
  });

  it('says how packed matrices are quantised', async () => {
    const quantization = {
      method: 'gptq',
      bits: 4,
      groupLen: 128,
      isSymmetric: true,
      isInOrder: false,
      numMatrices: 7,
    } as const;
    const text = formatInspection({ ...(await inspectTiny()), quantization }, options);
    expect(text).toContain('32 BF16, 7 packed matrices\n');
    expect(text).toContain('\nQuantised: GPTQ of 4 bits, groups of 128, symmetric, columns sorted by activation\n');
    const rowWise = { ...quantization, groupLen: undefined, isInOrder: true };
    expect(formatInspection({ ...(await inspectTiny()), quantization: rowWise }, options)).toContain(
      'GPTQ of 4 bits, a scale a row, symmetric\n',
    );
  });

  it('lists forty problems and counts the rest', async () => {
    const text = formatInspection({ ...(await inspectTiny()), problems: Array(50).fill('missing: w') }, options);
    expect(text).toMatch(/\n\nProblems \(50\)\n( {2}missing: w\n){40} {2}… and 10 more$/);
  });
});
