import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LocalRankGroup, prepareEngine } from '@tessera/engine';
import { parseWeightPlan, servingOptions } from '@tessera/onnx-graph';
import { type DrivenSequence, describeDecoderEngine, EngineDriver, SeededRandom } from '@tessera/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const modelDir = fileURLToPath(new URL('../../../models/tessera-tiny', import.meta.url));
const vocabSize = 576;

let cacheDir: string;
beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'tessera-quantized-engines-'));
});
afterAll(() => rm(cacheDir, { recursive: true }));

interface Variant {
  /** What `--weights` says. */
  readonly form: string;
  readonly isDeterministic: boolean;
}

async function create({ form, isDeterministic }: Variant, numRanks = 1): Promise<LocalRankGroup> {
  const engineOptions = servingOptions(parseWeightPlan(form), numRanks);
  const { dir } = await prepareEngine(modelDir, engineOptions, { cacheDir, numThreads: 1 });
  return LocalRankGroup.create(dir, {
    numThreads: 1,
    kernel: 'wasm',
    numLanes: 17,
    kvCapacityTokens: 64 * 16,
    maxStepTokens: 128,
    numTokens: vocabSize,
    isDeterministic,
  });
}

const sequenceOf = (random: SeededRandom, length: number, chunkLen: number, numTokens: number): DrivenSequence => ({
  admitted: { tokenIds: Int32Array.from({ length }, () => random.integer(0, vocabSize - 1)) },
  numTokens,
  chunkLen,
});

const variants: readonly Variant[] = [
  { form: 'int8', isDeterministic: false },
  { form: 'int4', isDeterministic: false },
  { form: 'int4', isDeterministic: true },
  { form: 'int8+int4', isDeterministic: true },
];

for (const variant of variants) {
  for (const numRanks of [1, 2]) {
    const name = `the bundled model in ${variant.form}${variant.isDeterministic ? ', deterministic,' : ''} on ${numRanks} ranks`;
    describeDecoderEngine(name, () => create(variant, numRanks));

    describe(`${name}, row by row`, () => {
      let driver: EngineDriver;
      beforeEach(async () => {
        driver = new EngineDriver(await create(variant, numRanks));
      });
      afterEach(() => driver.engine.close());

      test('is found to be row-invariant', () => {
        expect(driver.engine.description.isRowInvariant).toBe(true);
      });

      test('gives a sequence the same bits beside any number of others', async () => {
        const random = new SeededRandom(1);
        const sequence = (length: number) => sequenceOf(random, length, random.integer(1, 12), 4);
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

describe('the bundled model kept twice', () => {
  const outputOf = async (form: Variant['form'], sequence: DrivenSequence) => {
    const engine = await create({ form, isDeterministic: false });
    const outputs = await new EngineDriver(engine).run(sequence);
    await engine.close();
    return outputs;
  };

  test('computes steps of up to eight rows in int4', async () => {
    const sequence = sequenceOf(new SeededRandom(2), 20, 8, 3);
    expect(await outputOf('int8+int4', sequence)).toEqual(await outputOf('int4', sequence));
  });

  test('computes steps of more rows in int8', async () => {
    const sequence = sequenceOf(new SeededRandom(3), 20, 20, 1);
    expect(await outputOf('int8+int4', sequence)).toEqual(await outputOf('int8', sequence));
  });

  for (const form of ['int8+int4', 'int8+int4,head=int4']) {
    test(`says that its rows depend on their number: ${form}`, async () => {
      const engine = await create({ form, isDeterministic: false });
      expect(engine.description.isRowInvariant).toBe(false);
      await engine.close();
    });
  }
});
