import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import {
  Baseline,
  type EngineComparison,
  type EngineSetup,
  type EvalItem,
  type EvalSuite,
  evalSuite,
  formatScores,
  formatShare,
  prepareTappedEngine,
  readEvalItems,
  type Share,
  scoreItems,
} from '@tessera/cli';
import { type CompiledEngine, loadProcessor, weightPlans } from '@tessera/onnx-graph';
import { bundledModelDir } from '@tessera/standalone';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeOutlierCheckpoint } from './support/outlier-checkpoint.js';
import { copyWithScaledMatrix } from './support/spoilt-engine.js';
import { createTemporaryFolder } from './support/temporary-folder.js';

const numThreads = availableParallelism();
/** Each test compiles engines and runs them over hundreds of answers. */
const timeout = 300_000;
const folder = createTemporaryFolder();
let items: EvalItem[];
let suite: EvalSuite;

beforeAll(async () => {
  items = await readEvalItems(join(bundledModelDir, 'eval'));
  suite = await evalSuite(items, await loadProcessor(bundledModelDir));
});
afterAll(() => folder.remove());

function prepare(form: keyof typeof weightPlans, checkpointDir = bundledModelDir): Promise<CompiledEngine> {
  const cacheDir = join(folder.path, 'engines');
  return prepareTappedEngine(checkpointDir, weightPlans[form], { cacheDir, numThreads, onCompileProgress: () => {} });
}

function setup(engineDir: string, kvDtype: EngineSetup['kvDtype'] = 'float32'): EngineSetup {
  return { engineDir, kvDtype, numThreads, onProgress: () => {} };
}

const shareOf = ({ count, total }: Share): number => count / total;

describe("the bundled model's evaluation, its answers forced", { timeout }, () => {
  let baseline: Baseline;
  beforeAll(async () => {
    baseline = await Baseline.record(setup((await prepare('fp32')).dir), suite);
  });
  afterAll(() => baseline?.close());

  for (const [form, kvDtype, least] of [
    ['int8', 'float32', 0.98],
    ['int8', 'int8', 0.98],
    ['int4', 'float32', 0.9],
  ] as const) {
    it(`has fp32's next token at ${100 * least} % of all positions with ${form} weights and ${kvDtype} keys`, async () => {
      const { logits, answers } = await baseline.compare(setup((await prepare(form)).dir, kvDtype));
      const scores = {
        fp32: scoreItems(items, baseline.answers, suite.processor),
        quantized: scoreItems(items, answers, suite.processor),
      };
      console.log(`${form}, ${kvDtype} KV: ${formatShare(logits.agreement)}\n${formatScores(scores).join('\n')}`);
      expect(shareOf(logits.agreement)).toBeGreaterThanOrEqual(least);
      expect(shareOf(logits.reference.quantized)).toBeGreaterThanOrEqual(least);
    });
  }
});

describe('a part of the evaluation', { timeout }, () => {
  let baseline: Baseline;
  let int8: CompiledEngine;
  beforeAll(async () => {
    const part = { ...suite, prompts: suite.prompts.filter((_, i) => i % 9 === 0) };
    baseline = await Baseline.record(setup((await prepare('fp32')).dir), part);
    int8 = await prepare('int8');
  });
  afterAll(() => baseline?.close());

  it('shows that one matrix is spoilt', async () => {
    const dir = join(folder.path, 'spoilt');
    copyWithScaledMatrix(int8, dir, 'model.layers.1.self_attn.qkv_proj.weight', 2);
    const { logits } = await baseline.compare(setup(dir));
    console.log(`one matrix doubled: ${formatShare(logits.agreement)}`);
    expect(shareOf(logits.agreement)).toBeLessThan(0.98);
  });

  it('shows what channels that stick out cost int8, while fp32 pays nothing', async () => {
    const plain = await baseline.compare(setup(int8.dir));
    console.log(`no outliers, int8: ${describeError(plain)}`);
    for (const [what, factor] of [
      ["down_proj's inputs", 64],
      ["down_proj's weights", 1 / 64],
    ] as const) {
      const dir = join(folder.path, `outliers-${factor}`);
      writeOutlierCheckpoint(dir, factor);
      const fp32 = await baseline.compare(setup((await prepare('fp32', dir)).dir));
      const quantized = await baseline.compare(setup((await prepare('int8', dir)).dir));
      console.log(`outliers in ${what}, int8: ${describeError(quantized)}`);
      expect(lastLayer(fp32)).toBe(0);
      expect(lastLayer(quantized)).toBeGreaterThan(2 * lastLayer(plain));
    }
  });
});

const lastLayer = ({ layers }: EngineComparison): number => layers.at(-1)!.meanError;

function describeError({ layers, logits }: EngineComparison): string {
  const errors = layers.map(({ meanError }) => `${(100 * meanError).toFixed(2)} %`).join(', ');
  return `layers ${errors}; ${formatShare(logits.agreement)}; ${logits.meanDivergence.toExponential(1)} nats`;
}
