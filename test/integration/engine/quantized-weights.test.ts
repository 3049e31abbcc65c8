import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Checkpoint, type CompiledEngine, compileEngine, EngineCache, weightPlans } from '@tessera/onnx-graph';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const modelDir = fileURLToPath(new URL('../../../models/tessera-tiny', import.meta.url));
const hiddenSize = 192;
const [attention, mlp, head] = ['model.layers.2.self_attn', 'model.layers.2.mlp', 'model.embed_tokens.weight'];

/**
 * How two ranks' tensors make that of one: each is cut into as many pieces, which are laid out in turns, e.g. with 2
 * pieces a0 b0 a1 b1. int8 matrices are [K, N], int4 ones [N, …, K].
 */
const numPieces = {
  int8: {
    [`${mlp}.gate_proj.weight.int8`]: hiddenSize,
    [`${mlp}.gate_proj.weight.scale`]: 1,
    [`${mlp}.up_proj.weight.int8`]: hiddenSize,
    [`${mlp}.down_proj.weight.int8`]: 1,
    [`${attention}.o_proj.weight.int8`]: 1,
    [`${head}.int8`]: hiddenSize,
    [`${head}.scale`]: 1,
  },
  int4: {
    [`${mlp}.gate_proj.weight.int4`]: 1,
    [`${mlp}.gate_proj.weight.scale`]: 1,
    [`${mlp}.up_proj.weight.int4`]: 1,
    [`${mlp}.down_proj.weight.int4`]: hiddenSize,
    [`${mlp}.down_proj.weight.scale`]: hiddenSize,
    [`${attention}.o_proj.weight.int4`]: hiddenSize,
    [`${attention}.o_proj.weight.scale`]: hiddenSize,
    [`${head}.int8`]: hiddenSize,
  },
} as const;

for (const form of ['int8', 'int4'] as const) {
  describe(`the bundled model's ${form} weights`, () => {
    let cacheDir: string;
    let whole: CompiledEngine;
    let halves: CompiledEngine;
    beforeAll(async () => {
      cacheDir = await mkdtemp(join(tmpdir(), 'tessera-quantized-weights-'));
      const checkpoint = await Checkpoint.open(modelDir);
      const compile = (numRanks: number) => {
        const options = { weights: weightPlans[form], numRanks, cut: 'allReduce', hasTaps: false } as const;
        return compileEngine(checkpoint, options, new EngineCache(cacheDir));
      };
      [whole, halves] = [await compile(1), await compile(2)];
      await checkpoint.close();
    });
    afterAll(() => rm(cacheDir, { recursive: true }));

    for (const [name, count] of Object.entries(numPieces[form])) {
      test(`are the same on one rank and on two: ${name}`, async () => {
        const [expected] = await readWeights(whole, name);
        const joined = interleave(await readWeights(halves, name), count);
        expect(joined.equals(expected)).toBe(true);
      });
    }

    if (form === 'int8') {
      test('keep the scale of a row that two ranks share', async () => {
        const name = `${mlp}.down_proj.weight.scale`;
        const [expected] = await readWeights(whole, name);
        for (const scales of await readWeights(halves, name)) expect(scales.equals(expected)).toBe(true);
      });
    }
  });
}

/** A tensor's bytes on each rank. */
async function readWeights({ dir, manifest }: CompiledEngine, name: string): Promise<Buffer[]> {
  const read = async ({ weights }: (typeof manifest.decoder.ranks)[number]): Promise<Buffer> => {
    const { offset, numBytes } = weights.locations[name];
    return (await readFile(join(dir, weights.file))).subarray(offset, offset + numBytes);
  };
  return Promise.all(manifest.decoder.ranks.map(read));
}

function interleave(tensors: readonly Buffer[], count: number): Buffer {
  const piece = (tensor: Buffer, i: number): Buffer =>
    tensor.subarray((i * tensor.length) / count, ((i + 1) * tensor.length) / count);
  return Buffer.concat(Array.from({ length: count }, (_, i) => tensors.map((tensor) => piece(tensor, i))).flat());
}
