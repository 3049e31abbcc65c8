import { availableParallelism } from 'node:os';
import {
  type Answers,
  answerPrompts,
  type EvalItem,
  type EvalPrompt,
  preparePrompts,
  readEvalItems,
} from '@tessera/cli';
import { type DecoderEngine, embeddingKey } from '@tessera/domain';
import { CpuEncoder, LocalRankGroup, prepareEngine } from '@tessera/engine';
import { type EngineManifest, loadProcessor, weightPlans } from '@tessera/onnx-graph';
import type { Processor } from '@tessera/qwen2-5-vl';
import { bundledModelDir } from '@tessera/standalone';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTemporaryFolder } from './support/temporary-folder.js';

const numThreads = availableParallelism();
const numLanes = 8;
/** Positions a lane may need: the longest prompt and answer, with room. */
const laneTokens = 1024;
/** The reference stopped here. */
const maxNewTokens = 220;
/** Absolute tolerance of a logit, from the reference data's README; two logits may approach each other by twice that. */
const logitTolerance = 2e-4;

const engines = createTemporaryFolder();
let manifest: EngineManifest;
let processor: Processor;
let items: EvalItem[];
let prompts: EvalPrompt[];
let decoder: DecoderEngine;
let answers: Answers;

beforeAll(async () => {
  const engineOptions = { weights: weightPlans.fp32, numRanks: 1, cut: 'attention', hasTaps: false } as const;
  const engine = await prepareEngine(bundledModelDir, engineOptions, { cacheDir: engines.path, numThreads });
  manifest = engine.manifest;
  processor = await loadProcessor(bundledModelDir);
  items = await readEvalItems(`${bundledModelDir}/eval`);
  prompts = await preparePrompts(items, processor);
  decoder = await LocalRankGroup.create(engine.dir, {
    numThreads,
    kernel: 'wasm',
    numLanes,
    kvCapacityTokens: numLanes * laneTokens,
    maxStepTokens: numLanes * laneTokens,
    numTokens: processor.tokenizer.numTokens,
  });
  const encoder = await CpuEncoder.create(engine.dir, { numThreads });
  for (const { id, built, visual } of prompts) {
    const [data] = await encoder.encode([visual!]);
    await decoder.stage({ embeddingKey: embeddingKey(id), numTokens: built.visuals[0]!.numTokens, data: data! });
  }
  await encoder.close();
  answers = await answer(prompts, numLanes);
});

afterAll(async () => {
  await decoder?.close();
  engines.remove();
});

function answer(asked: readonly EvalPrompt[], lanes: number): Promise<Answers> {
  const stopTokenIds = processor.generation.eosTokenIds;
  return answerPrompts(decoder, asked, { numLanes: lanes, maxNewTokens, stopTokenIds });
}

interface Divergence {
  readonly id: string;
  /** First token that differs. */
  readonly step: number;
  /** Lead of the token that was chosen there over the runner-up. */
  readonly margin: number;
}

/** Where answers leave the expected ones, of which the stop token may be missing. */
function divergences(given: Answers, expected: ReadonlyMap<string, readonly number[]>): Divergence[] {
  const { eosTokenIds } = processor.generation;
  return [...given].flatMap(([id, tokens]) => {
    const wanted = expected.get(id)!;
    const differs = (tokenId: number, i: number): boolean =>
      i < wanted.length ? tokenId !== wanted[i] : !eosTokenIds.includes(tokenId);
    const step = tokens.findIndex(({ tokenId }, i) => differs(tokenId, i));
    return step < 0 ? [] : [{ id, step, margin: tokens[step]!.decisionMargin! }];
  });
}

const isUnexplained = ({ margin }: Divergence): boolean => margin >= 2 * logitTolerance;

describe("the bundled model's evaluation", () => {
  const fromReference = (): Divergence[] => divergences(answers, new Map(items.map(({ id, tokens }) => [id, tokens])));

  it('has 30 items of 9 tasks', () => {
    const numByTask = new Map<string, number>();
    for (const { task } of items) numByTask.set(task, (numByTask.get(task) ?? 0) + 1);
    expect([...numByTask.values()]).toEqual(new Array(9).fill(30));
  });

  it('is seen at the sizes at which the reference saw it', () => {
    const seen = prompts.map(({ built }) => [built.visuals[0]!.resized.height, built.visuals[0]!.resized.width]);
    expect(seen).toEqual(items.map((item) => item.seen));
  });

  it("gets the reference's own tokens in at least 98 % of its items", () => {
    const differing = fromReference();
    const numEqual = prompts.length - differing.length;
    console.log(`${numEqual} of ${prompts.length} answers equal the reference's tokens`);
    for (const { id, step, margin } of differing) console.log(`${id}: differs at token ${step}, margin ${margin}`);
    expect(numEqual / prompts.length).toBeGreaterThanOrEqual(0.98);
  });

  it('differs only where two tokens are closer than the tolerance explains', () => {
    expect(fromReference().filter(isUnexplained)).toEqual([]);
  });
});

describe('an answer', () => {
  it('is the same alone and among seven others, where the engine promises it', async () => {
    const { rowInvariance } = manifest;
    console.log(`isDecoderInvariant is ${rowInvariance?.isDecoderInvariant} at ${rowInvariance?.numThreads} threads`);
    expect(decoder.description.isRowInvariant).toBe(rowInvariance?.isDecoderInvariant);
    const some = prompts.filter((_, i) => i % 11 === 0);
    const alone = await answer(some, 1);
    const together = new Map([...answers].map(([id, tokens]) => [id, tokens.map(({ tokenId }) => tokenId)]));
    const differing = divergences(alone, together);
    expect(rowInvariance?.isDecoderInvariant ? differing : differing.filter(isUnexplained)).toEqual([]);
  });
});
