import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDecoderEngine, type DecoderOptions, LocalRankGroup, prepareEngine } from '@tessera/engine';
import { parseWeightPlan } from '@tessera/onnx-graph';
import { describeDecoderEngine } from '@tessera/testkit';
import { afterAll, beforeAll } from 'vitest';

const modelDir = fileURLToPath(new URL('../../../models/tessera-tiny', import.meta.url));
const vocabSize = 576;
const options = {
  numThreads: 1,
  numLanes: 4,
  kvCapacityTokens: 32 * 16,
  maxStepTokens: 64,
  numTokens: vocabSize,
} satisfies Omit<DecoderOptions, 'kernel'>;

let cacheDir: string;
beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'tessera-decoder-engine-'));
});
afterAll(() => rm(cacheDir, { recursive: true }));

const prepare = async (numRanks: number): Promise<string> => {
  const cut = numRanks === 1 ? 'attention' : 'allReduce';
  const engineOptions = { weights: parseWeightPlan('fp32'), numRanks, cut, hasTaps: false } as const;
  return (await prepareEngine(modelDir, engineOptions, { cacheDir, numThreads: 1 })).dir;
};

for (const numRanks of [1, 2]) {
  for (const kernel of ['plain', 'wasm'] as const) {
    describeDecoderEngine(`the bundled model on ${numRanks} ranks of this thread, ${kernel} attention`, async () =>
      LocalRankGroup.create(await prepare(numRanks), { ...options, kernel }),
    );
  }
}

describeDecoderEngine('the bundled model with keys and values in int8', async () =>
  LocalRankGroup.create(await prepare(1), { ...options, kernel: 'wasm', kvDtype: 'int8' }),
);

describeDecoderEngine('the bundled model in a worker thread', async () =>
  createDecoderEngine(await prepare(1), { ...options, kernel: 'wasm' }),
);
