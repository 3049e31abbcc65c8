import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LocalRankGroup, prepareEngine } from '@tessera/engine';
import { weightPlans } from '@tessera/onnx-graph';
import { type DrivenSequence, describeDecoderEngine, EngineDriver, SeededRandom } from '@tessera/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const modelDir = fileURLToPath(new URL('../../../models/tessera-tiny', import.meta.url));
const vocabSize = 576;

let cacheDir: string;
beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'tessera-quantized-engines-'));
});
afterAll(() => rm(cacheDir, { recursive: true }));

async function create(form: 'int8' | 'int4', numRanks: number): Promise<LocalRankGroup> {
  const cut = numRanks === 1 ? 'attention' : 'allReduce';
  const engineOptions = { weights: weightPlans[form], numRanks, cut, hasTaps: false } as const;
  const { dir } = await prepareEngine(modelDir, engineOptions, { cacheDir, numThreads: 1 });
  return LocalRankGroup.create(dir, {
    numThreads: 1,
    kernel: 'wasm',
    numLanes: 17,
    kvCapacityTokens: 64 * 16,
    maxStepTokens: 128,
    numTokens: vocabSize,
  });
}

for (const form of ['int8', 'int4'] as const) {
  for (const numRanks of [1, 2]) {
    const name = `the bundled model in ${form} on ${numRanks} ranks`;
    describeDecoderEngine(name, () => create(form, numRanks));

    describe(`${name}, row by row`, () => {
      let driver: EngineDriver;
      beforeEach(async () => {
        driver = new EngineDriver(await create(form, numRanks));
      });
      afterEach(() => driver.engine.close());

      test('is found to be row-invariant', () => {
        expect(driver.engine.description.isRowInvariant).toBe(true);
      });

      test('gives a sequence the same bits beside any number of others', async () => {
        const random = new SeededRandom(1);
        const sequence = (length: number): DrivenSequence => ({
          admitted: { tokenIds: Int32Array.from({ length }, () => random.integer(0, vocabSize - 1)) },
          numTokens: 4,
          chunkLen: random.integer(1, 12),
        });
        const own = sequence(19);
        const [alone] = await driver.run(own);
        for (let numOthers = 1; numOthers <= 16; numOthers++) {
          const others = Array.from({ length: numOthers }, () => sequence(random.integer(1, 20)));
          const batch = random.shuffle([own, ...others]);
          const outputs = await driver.run(...batch);
          expect(outputs[batch.indexOf(own)], `beside ${numOthers} others`).toEqual(alone);
        }
      });
    });
  }
}
