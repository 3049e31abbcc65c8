import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  blockHash,
  type DecoderEngine,
  embeddingKey,
  laneId,
  pageId,
  type RankGroup,
  type Seal,
  type StepPlan,
} from '@tessera/domain';
import { LocalRankGroup, prepareEngine } from '@tessera/engine';
import { loadProcessor, parseWeightPlan, servingOptions } from '@tessera/onnx-graph';
import { connectRankGroup, describeRank, type RankGroupOptions } from '@tessera/rpc';
import {
  createAdmittedSequence,
  createFakeEmbedding,
  createSamplingParams,
  createStepPlan,
  type DrivenOutput,
  type DrivenSequence,
  decodeChunk,
  describeDecoderEngine,
  EngineDriver,
  engineOfGroup,
  knownChunk,
  pageIds,
} from '@tessera/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type EmbeddingServer, startEmbeddingServer } from './support/embedding-server.js';
import { type RankProcess, startRank } from './support/start-rank.js';

const pathTo = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const bundled = pathTo('models/tessera-tiny');
const nested = pathTo('test/parity/goldens/checkpoints/tiny-nested');
const capacity = { threads: 1, kernel: 'wasm', maxSequences: 4, kvCacheTokens: 512, maxStepTokens: 64 } as const;
const never = new AbortController().signal;

let cacheDir: string;
let numSessions = 0;
beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'tessera-rank-processes-'));
});
afterAll(() => rm(cacheDir, { recursive: true }));

/** The options of one rank of a group, or of a group in one process. */
const optionsOf = (model: string, tp: number, rank?: number) => ({
  model,
  engineCache: cacheDir,
  weights: 'fp32',
  tp,
  ...(rank !== undefined && { rank }),
  ...capacity,
});
const startRanks = (model: string, tp: number): Promise<RankProcess[]> =>
  Promise.all(Array.from({ length: tp }, (_, rank) => startRank(optionsOf(model, tp, rank))));

/** Leads the ranks in an epoch above all that they know. */
const lead = async (ranks: readonly RankProcess[], given: Partial<RankGroupOptions> = {}): Promise<RankGroup> => {
  const epochs = await Promise.all(ranks.map(async ({ address }) => (await describeRank(address)).epoch));
  const session = `session-${numSessions++}`;
  const claim = { groupId: 'g', ranks, epoch: Math.max(...epochs) + 1, leaderId: 'leader', session, silenceMs: 3000 };
  return connectRankGroup({ ...claim, ...given }, never);
};

/** All ranks in this thread: what the processes must equal. */
const createOracle = async (model: string, tp: number): Promise<LocalRankGroup> => {
  const engineOptions = servingOptions(parseWeightPlan('fp32'), tp);
  const { dir } = await prepareEngine(model, engineOptions, { cacheDir, numThreads: 1 });
  return LocalRankGroup.create(dir, {
    numThreads: 1,
    kernel: 'wasm',
    numLanes: capacity.maxSequences,
    kvCapacityTokens: capacity.kvCacheTokens,
    maxStepTokens: capacity.maxStepTokens,
    numTokens: (await loadProcessor(model)).tokenizer.numTokens,
  });
};

const picture = embeddingKey('picture');
const sequences: readonly DrivenSequence[] = [
  { admitted: { tokenIds: Int32Array.of(5, 6, 7, 8, 9, 10, 11) }, numTokens: 8 },
  {
    admitted: {
      tokenIds: Int32Array.from({ length: 40 }, (_, i) => (7 * i) % 90),
      visuals: [{ embeddingKey: picture, offset: 3, length: 16 }],
      sampling: createSamplingParams({ temperature: 1, topK: 20, seed: 4, numTopLogprobs: 3 }),
    },
    numTokens: 8,
    chunkLen: 9,
  },
];

async function runAll(engine: DecoderEngine): Promise<DrivenOutput[]> {
  await engine.stage(createFakeEmbedding(picture, 16, engine.description.hiddenSize));
  const outputs = await new EngineDriver(engine).run(...sequences);
  await engine.unstage(picture);
  return outputs;
}

for (const [name, model, tp] of [
  ['the bundled model', bundled, 1],
  ['the bundled model', bundled, 2],
  ['a model of fewer KV heads than ranks', nested, 4],
] as const) {
  describe(`${name} on ${tp} processes`, () => {
    let ranks: RankProcess[];
    let embeddings: EmbeddingServer;
    let oracle: LocalRankGroup;
    beforeAll(async () => {
      ranks = await startRanks(model, tp);
      oracle = await createOracle(model, tp);
      embeddings = await startEmbeddingServer(oracle.description.hiddenSize);
    });
    afterAll(async () => {
      await Promise.all(ranks.map((rank) => rank.kill()));
      await embeddings.close();
      await oracle.close();
    });

    test('compiled its engine once, although all ranks were started at once', () => {
      const compiled = ranks.filter(({ log }) => log.includes('"isReused":false'));
      expect(compiled).toHaveLength(1);
    });

    test('gives the tokens and logits that it gives in one thread, to the bit', async () => {
      const group = await lead(ranks);
      expect(group.description).toEqual(oracle.description);
      const [outputs, expected] = [await runAll(engineOfGroup(group, embeddings.put)), await runAll(oracle)];
      expect(outputs).toEqual(expected);
      await group.close();
    });

    test('gives them again to the next leader', async () => {
      const outputs: DrivenOutput[][] = [];
      for (let time = 0; time < 2; time++) {
        const group = await lead(ranks);
        outputs.push(await runAll(engineOfGroup(group, embeddings.put)));
        await group.close();
      }
      expect(outputs[1]).toEqual(outputs[0]);
    });
  });
}

describe('two processes of the bundled model', () => {
  let ranks: RankProcess[];
  const groups: RankGroup[] = [];
  beforeAll(async () => {
    ranks = await startRanks(bundled, 2);
  });
  afterEach(async () => {
    for (const group of groups.splice(0)) await group.close();
  });
  afterAll(() => Promise.all(ranks.map((rank) => rank.kill())));

  const leadThem = async (given: Partial<RankGroupOptions> = {}): Promise<RankGroup> => {
    const group = await lead(ranks, given);
    groups.push(group);
    return group;
  };
  const prompt = createAdmittedSequence({ tokenIds: Int32Array.of(5, 6, 7) });
  const firstStep: StepPlan = createStepPlan({
    stepId: 0,
    admitted: [prompt],
    chunks: [knownChunk(laneId(0), 3, { newPages: pageIds(0) })],
  });
  const nextStep = createStepPlan({ stepId: 1, chunks: [decodeChunk(laneId(0))] });
  const lostRank1 = { reason: 'worker_failed', facts: { groupId: 'g', rank: 1 } };

  test('reject a step at once when one is killed in it, and obey again once it is back', async () => {
    const group = await leadThem();
    const expected = await group.step(firstStep);
    // Rank 0 is left inside of the step, waiting for the other.
    ranks[1].signal('SIGSTOP');
    const pending = Promise.allSettled([group.step(nextStep), group.step({ ...nextStep, stepId: 2 })]);
    await ranks[1].kill();
    for (const outcome of await pending) expect(outcome).toMatchObject({ reason: lostRank1 });
    expect(await group.lost).toMatchObject(lostRank1);

    ranks[1] = await startRank(optionsOf(bundled, 2, 1));
    const next = await leadThem();
    expect((await next.step(firstStep)).outputs).toEqual(expected.outputs);
  });

  test('are lost when one says nothing, and obey again once it does', async () => {
    const group = await leadThem({ patience: { factor: 0, floorMs: 200 } });
    const expected = await group.step(firstStep);
    ranks[1].signal('SIGSTOP');
    await expect(group.step(nextStep)).rejects.toMatchObject(lostRank1);
    ranks[1].signal('SIGCONT');
    const next = await leadThem();
    expect((await next.step(firstStep)).outputs).toEqual(expected.outputs);
  });

  test('obey one leader at a time, and tell the next what their pages hold', async () => {
    const seal: Seal = { pageId: pageId(0), blockHash: blockHash('ab'.repeat(32)), generation: 1 };
    const first = await leadThem();
    await first.step({ ...firstStep, seals: [seal] });
    await expect(leadThem({ leaderId: 'another' })).rejects.toMatchObject({ reason: 'epoch_refused' });
    await first.step(nextStep);
    await first.close();
    const second = await leadThem({ leaderId: 'another' });
    expect(second.seals).toEqual([seal]);
    await second.step(firstStep);
    await second.close();
    expect((await leadThem()).seals).toEqual([]);
  });

  test('end with a plan that cannot be run, and obey again', async () => {
    const group = await leadThem();
    await expect(group.step(nextStep)).rejects.toMatchObject({
      reason: 'internal',
      message: /lane 0 holds no sequence/,
    });
    expect(await group.lost).toMatchObject({ reason: 'worker_failed' });
    await expect((await leadThem()).step(firstStep)).resolves.toMatchObject({ stepId: 0 });
  });
});

describe('a process', () => {
  let rank: RankProcess;
  let embeddings: EmbeddingServer;
  beforeAll(async () => {
    rank = await startRank(optionsOf(bundled, 1));
    embeddings = await startEmbeddingServer((await describeRank(rank.address)).description.hiddenSize);
  });
  afterAll(async () => {
    await rank.kill();
    await embeddings.close();
  });

  test('is announced with all that it takes to lead it, once it can be led', async () => {
    const { description, epoch } = await describeRank(rank.address);
    expect(epoch).toBe(0);
    expect(rank.isReady).toBe(true);
    const { modelRevision, engineDigest } = description;
    expect(rank.member).toMatchObject({
      kind: 'decoder',
      id: 'group-0-0',
      facts: { group: 'group-0', rank: 0, numRanks: 1, meshAddress: 'local', modelRevision, engineDigest },
    });
  });

  test('ends cleanly when it is asked to, led or not', async () => {
    const other = await startRank(optionsOf(bundled, 1));
    const group = await lead([other]);
    expect(await other.stop()).toBe(0);
    expect(await group.lost).toMatchObject({ reason: 'worker_failed' });
  });

  test('does not start with a context that its cache cannot hold', async () => {
    const starting = startRank({ ...optionsOf(bundled, 1), maxContextLen: 100_000 });
    await expect(starting).rejects.toThrow('--max-context-len 100000 is above');
  });

  describeDecoderEngine('the bundled model in it', async () => engineOfGroup(await lead([rank]), embeddings.put));
});
