import {
  type AdmittedSequence,
  type DecoderEngine,
  embeddingKey,
  laneId,
  type SampledToken,
  type StagedVisual,
  type StepPlan,
} from '@tessera/domain';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSamplingParams } from '../factories/create-sampling-params.js';
import { createAdmittedSequence, decodeChunk, explicitChunk, knownChunk } from '../factories/create-step-plan.js';
import { createFakeEmbedding } from '../fakes/fake-embedding.js';
import { SeededRandom } from '../seeded-random.js';
import { type DrivenOutput, EngineDriver } from './engine-driver.js';
import { distance, expectSameOutput } from './expect-same-output.js';

/**
 * What every decoder engine must do. `create` makes one of at least 4 lanes, 24 pages and steps of 4 pages and more,
 * in which every id of the vocabulary can be sampled.
 */
export function describeDecoderEngine(name: string, create: () => Promise<DecoderEngine>): void {
  describe(`${name} as a decoder engine`, () => {
    let driver: EngineDriver;
    let random: SeededRandom;
    beforeEach(async () => {
      driver = new EngineDriver(await create());
      random = new SeededRandom(5);
    });
    afterEach(() => driver.engine.close());

    const [lane0, lane1, lane2] = [0, 1, 2].map(laneId);
    const description = () => driver.engine.description;
    const pageLen = () => description().kvLayout.pageLen;
    const randomIds = (length: number): Int32Array =>
      Int32Array.from({ length }, () => random.integer(0, description().vocabSize - 1));
    const expectSame = (actual: DrivenOutput, expected: DrivenOutput, what?: string): void =>
      expectSameOutput(actual, expected, description().isRowInvariant, what);

    test('describes a world that can hold its longest sequence', () => {
      const { numRanks, numLanes, maxContextLen, kvLayout } = description();
      expect(numRanks).toBeGreaterThanOrEqual(1);
      expect(numLanes).toBeGreaterThanOrEqual(4);
      expect(kvLayout.numPages).toBeGreaterThanOrEqual(24);
      expect(maxContextLen).toBeLessThanOrEqual(kvLayout.numPages * kvLayout.pageLen);
    });

    describe('tokens', () => {
      test('are the best of the raw logits when greedy, with the lead as their margin', async () => {
        const [{ tokens, logits }] = await driver.run({ admitted: { tokenIds: randomIds(5) }, numTokens: 6 });
        for (const [i, { tokenId, decisionMargin }] of tokens.entries()) {
          const sorted = Float32Array.from(logits[i]).sort().reverse();
          expect(tokenId).toBe(logits[i].indexOf(sorted[0]));
          expect(decisionMargin).toBeCloseTo(sorted[0] - sorted[1], 5);
        }
      });

      test('come one a step with consecutive output indices', async () => {
        const [{ tokens }] = await driver.run({ admitted: { tokenIds: randomIds(3) }, numTokens: 4 });
        expect(tokens.map(({ outputIndex }) => outputIndex)).toEqual([0, 1, 2, 3]);
      });

      test('do not depend on how the prompt was cut into chunks', async () => {
        const tokenIds = randomIds(2 * pageLen() + 3);
        const [whole] = await driver.run({ admitted: { tokenIds }, numTokens: 4 });
        for (const chunkLen of [1, 3, pageLen() - 1, pageLen(), pageLen() + 1]) {
          const [chunked] = await driver.run({ admitted: { tokenIds }, numTokens: 4, chunkLen });
          expectSame(chunked, whole, `chunks of ${chunkLen}`);
        }
      });

      test('do not depend on what else is in the batch', async () => {
        const prompts = [1, 4, pageLen(), pageLen() + 2].map(randomIds);
        const batch = await driver.run(
          ...prompts.map((tokenIds, i) => ({ admitted: { tokenIds }, numTokens: 3 + i, chunkLen: 2 + i })),
        );
        for (const [i, tokenIds] of prompts.entries()) {
          const [alone] = await driver.run({ admitted: { tokenIds }, numTokens: 3 + i });
          expectSame(batch[i], alone, `prompt ${i}`);
        }
      });

      test('do not depend on what lane and pages held before', async () => {
        const before = randomIds(2 * pageLen());
        const tokenIds = randomIds(pageLen() + 1);
        const [first] = await driver.run({ admitted: { tokenIds }, numTokens: 5 });
        for (let i = 0; i < 4; i++) await driver.run({ admitted: { tokenIds: before }, numTokens: 2 });
        const [again] = await driver.run({ admitted: { tokenIds }, numTokens: 5 });
        expect(again).toEqual(first);
      });

      test('depend on every token before them', async () => {
        const tokenIds = randomIds(pageLen() + 2);
        const [one] = await driver.run({ admitted: { tokenIds }, numTokens: 1 });
        const [other] = await driver.run({
          admitted: { tokenIds: tokenIds.with(0, (tokenIds[0] + 1) % description().vocabSize) },
          numTokens: 1,
        });
        expect(distance(one.logits[0], other.logits[0])).toBeGreaterThan(0);
      });

      test('go on from a resumed output as they went on from their own', async () => {
        const prompt = randomIds(4);
        const [whole] = await driver.run({ admitted: { tokenIds: prompt }, numTokens: 6 });
        const tokenIds = Int32Array.from([...prompt, ...idsOf(whole.tokens.slice(0, 3))]);
        const [resumed] = await driver.run({ admitted: { tokenIds, numPromptTokens: 4 }, numTokens: 3 });
        expect(resumed.tokens.map(({ outputIndex }) => outputIndex)).toEqual([3, 4, 5]);
        expectSame(resumed, { tokens: whole.tokens.slice(3), logits: whole.logits.slice(3) });
      });

      test('follow explicit tokens as they followed their own', async () => {
        const tokenIds = randomIds(4);
        const [{ tokens, logits }] = await driver.run({ admitted: { tokenIds }, numTokens: 4 });
        const newPages = driver.takePages(8);
        await driver.step({
          admitted: [createAdmittedSequence({ lane: lane2, tokenIds })],
          chunks: [knownChunk(lane2, 4, { newPages, samples: false })],
        });
        const { outputs, captured } = await driver.step({
          chunks: [explicitChunk(lane2, idsOf(tokens.slice(0, 3)))],
          capture: { logits: 'sampled', margins: true },
        });
        expect(outputs[0].tokens[0].outputIndex).toBe(3);
        const forced = { tokens: outputs[0].tokens, logits: [captured?.[0].logits as Float32Array] };
        expectSame(forced, { tokens: tokens.slice(3), logits: logits.slice(3) });
      });

      test('are found again from pages that hold the beginning of the sequence', async () => {
        const tokenIds = randomIds(2 * pageLen() + 1);
        const [whole] = await driver.run({ admitted: { tokenIds }, numTokens: 3 });
        const pages = driver.takePages(2 * pageLen());
        await driver.step({
          admitted: [createAdmittedSequence({ lane: lane2, tokenIds })],
          chunks: [knownChunk(lane2, 2 * pageLen(), { newPages: pages, samples: false })],
        });
        const cached = { tokenIds, numCached: 2 * pageLen(), pages };
        const [found] = await driver.run({ admitted: cached, numTokens: 3 });
        expectSame(found, whole);
      });
    });

    describe('sampling', () => {
      const sample = async (given: object): Promise<number[]> => {
        const sampling = createSamplingParams({ temperature: 2, seed: 11, ...given });
        const [{ tokens }] = await driver.run({
          admitted: { tokenIds: Int32Array.of(1, 2, 3), sampling },
          numTokens: 6,
        });
        return idsOf(tokens);
      };

      test('repeats itself with the same seed, and only with it', async () => {
        const tokens = await sample({});
        expect(await sample({})).toEqual(tokens);
        expect(await sample({ seed: 12 })).not.toEqual(tokens);
        expect(await sample({ seed: 11 + 2 ** 40 })).not.toEqual(tokens);
        expect(await sample({ choiceIndex: 1 })).not.toEqual(tokens);
      });

      test('reports log-probabilities of the raw logits', async () => {
        const sampling = createSamplingParams({ temperature: 2, seed: 3, numTopLogprobs: 3 });
        const admitted = { tokenIds: randomIds(3), sampling };
        const [{ tokens, logits }] = await driver.run({ admitted, numTokens: 4 });
        for (const [i, { tokenId, logprob, topLogprobs }] of tokens.entries()) {
          const expected = logSoftmax(logits[i]);
          expect(logprob).toBeCloseTo(expected[tokenId], 4);
          const best = [...expected.keys()].sort((a, b) => expected[b] - expected[a]).slice(0, 3);
          expect(topLogprobs?.map((top) => top.tokenId)).toEqual(best);
          for (const top of topLogprobs ?? []) expect(top.logprob).toBeCloseTo(expected[top.tokenId], 4);
        }
      });

      test('reports nothing beside the token unless asked', async () => {
        const chunk = knownChunk(lane0, 3, { newPages: driver.takePages(3) });
        const { outputs, captured } = await driver.step({ admitted: [createAdmittedSequence()], chunks: [chunk] });
        expect(Object.keys(outputs[0].tokens[0]).sort()).toEqual(['outputIndex', 'tokenId']);
        expect(captured).toBeUndefined();
      });
    });

    describe('a step', () => {
      test('answers for the chunks that sample, under their sequence and lane', async () => {
        const admitted = [lane0, lane1, lane2].map((lane) => createAdmittedSequence({ lane }));
        const chunks = [lane0, lane1, lane2].map((lane) =>
          knownChunk(lane, 3, { newPages: driver.takePages(4), samples: lane !== lane1 }),
        );
        const { outputs } = await driver.step({ admitted, chunks });
        expect(outputs.map(({ lane, sequenceId }) => [lane, sequenceId])).toEqual([
          [lane0, admitted[0].sequenceId],
          [lane2, admitted[2].sequenceId],
        ]);
      });

      test('bears the id of its plan and tells where its time went', async () => {
        await driver.step({});
        const { stepId, spent } = await driver.step({});
        const { totalMs, ...parts } = spent;
        expect(stepId).toBe(1);
        expect(Object.values(parts).reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(totalMs);
      });

      test('releases a lane and its pages before it gives them to another sequence', async () => {
        const [usual] = await driver.run({ admitted: {}, numTokens: 1 });
        const newPages = driver.takePages(4);
        const plan = { admitted: [createAdmittedSequence()], chunks: [knownChunk(lane0, 3, { newPages })] };
        await driver.step({
          admitted: [createAdmittedSequence({ tokenIds: Int32Array.of(3, 2, 1) })],
          chunks: plan.chunks,
        });
        const { outputs } = await driver.step({ ...plan, released: [lane0] });
        expect(idsOf(outputs[0].tokens)).toEqual(idsOf(usual.tokens));
      });

      test('captures the logits of every row, each as if the sequence ended there', async () => {
        const tokenIds = randomIds(5);
        const { vocabSize } = description();
        const { captured } = await driver.step({
          admitted: [createAdmittedSequence({ lane: lane2, tokenIds })],
          chunks: [knownChunk(lane2, 5, { newPages: driver.takePages(8), samples: false })],
          capture: { logits: 'all' },
        });
        expect(captured?.[0].logits?.length).toBe(5 * vocabSize);
        for (let end = 1; end <= 5; end++) {
          const [{ logits }] = await driver.run({ admitted: { tokenIds: tokenIds.slice(0, end) }, numTokens: 1 });
          const row = captured?.[0].logits?.subarray((end - 1) * vocabSize, end * vocabSize) as Float32Array;
          expect(distance(row, logits[0])).toBeLessThan(1e-3);
        }
      });

      test('captures logits of the chunks that sample only, hidden states or not', async () => {
        for (const [lane, hidden] of [
          [lane0, false],
          [lane1, true],
        ] as const) {
          const { captured } = await driver.step({
            admitted: [createAdmittedSequence({ lane })],
            chunks: [knownChunk(lane, 3, { newPages: driver.takePages(3), samples: false })],
            capture: { logits: 'sampled', hidden },
          });
          expect(captured?.[0].logits, `hidden ${hidden}`).toEqual(new Float32Array());
        }
      });

      test('captures the hidden states of the last row of every chunk', async () => {
        const { hiddenSize } = description();
        const { captured } = await driver.step({
          admitted: [lane0, lane1].map((lane) => createAdmittedSequence({ lane })),
          chunks: [lane0, lane1].map((lane) => knownChunk(lane, 3, { newPages: driver.takePages(3) })),
          capture: { hidden: true },
        });
        expect(captured?.map(({ lane }) => lane)).toEqual([lane0, lane1]);
        for (const { hiddenLayers, hiddenFinalNorm, logits } of captured ?? []) {
          expect((hiddenLayers?.length ?? 0) / hiddenSize).toBeGreaterThanOrEqual(1);
          expect((hiddenLayers?.length ?? 0) % hiddenSize).toBe(0);
          expect(hiddenFinalNorm?.length).toBe(hiddenSize);
          expect(logits).toBeUndefined();
        }
        expect(captured?.[0].hiddenLayers).toEqual(captured?.[1].hiddenLayers);
      });
    });

    describe('visuals', () => {
      const key = embeddingKey('picture');
      const visual: StagedVisual = { embeddingKey: key, offset: 1, length: 4 };
      const withPicture = (given: Partial<AdmittedSequence> = {}) =>
        createAdmittedSequence({ tokenIds: Int32Array.of(1, 9, 9, 9, 9, 2), visuals: [visual], ...given });
      const embedding = () => createFakeEmbedding(key, 4, description().hiddenSize);

      test('take the places of their placeholders, in whatever chunks', async () => {
        const { hiddenSize } = description();
        await driver.engine.stage(embedding());
        const expected = embedding().data;
        for (const [lane, lens] of [
          [lane0, [6]],
          [lane1, [2, 1, 3]],
        ] as const) {
          const rows: number[] = [];
          for (const [i, numTokens] of lens.entries()) {
            const { captured } = await driver.step({
              admitted: i === 0 ? [withPicture({ lane })] : [],
              chunks: [knownChunk(lane, numTokens, { newPages: i === 0 ? driver.takePages(6) : [], samples: false })],
              capture: { inputEmbeds: true },
            });
            rows.push(...(captured?.[0].inputEmbeds ?? []));
          }
          expect(rows.length).toBe(6 * hiddenSize);
          expect(Float32Array.from(rows.slice(hiddenSize, 5 * hiddenSize))).toEqual(expected);
        }
      });

      test('serve several sequences, with what their rows say', async () => {
        const other = embeddingKey('other');
        await driver.engine.stage(embedding());
        await driver.engine.stage(createFakeEmbedding(other, 4, description().hiddenSize));
        const otherVisual = { ...visual, embeddingKey: other };
        const run = (...visuals: readonly StagedVisual[]) =>
          driver.run(...visuals.map((v) => ({ admitted: withPicture({ visuals: [v] }), numTokens: 3 })));
        const [first, second, third] = await run(visual, otherVisual, visual);
        expectSame(third, first);
        expect(distance(first.logits[0], second.logits[0])).toBeGreaterThan(0);
      });

      test('whose rows are not numbers leave their sequence without a token, and change no other', async () => {
        const [alone] = await driver.run({ admitted: {}, numTokens: 2 });
        const broken = embedding();
        broken.data.fill(Number.NaN);
        await driver.engine.stage(broken);
        const { outputs } = await driver.step({
          admitted: [createAdmittedSequence({ lane: lane0 }), withPicture({ lane: lane1 })],
          chunks: [
            knownChunk(lane0, 3, { newPages: driver.takePages(4) }),
            knownChunk(lane1, 6, { newPages: driver.takePages(6) }),
          ],
        });
        const { sequenceId } = withPicture({ lane: lane1 });
        expect(outputs[1]).toEqual({ sequenceId, lane: lane1, tokens: [] });
        const next = await driver.step({ released: [lane1], chunks: [decodeChunk(lane0)] });
        expect([...outputs, ...next.outputs].flatMap(({ tokens }) => idsOf(tokens))).toEqual(idsOf(alone.tokens));
      });

      test('are refused unless they are staged', async () => {
        const plan = {
          admitted: [withPicture()],
          chunks: [knownChunk(lane0, 6, { newPages: driver.takePages(8) })],
        };
        await expect(driver.step(plan)).rejects.toMatchObject({ reason: 'internal' });
        await driver.engine.stage(embedding());
        await driver.engine.unstage(key);
        await expect(driver.step({ ...plan, released: [lane0] })).rejects.toMatchObject({ reason: 'internal' });
        await driver.engine.stage(embedding());
        expect((await driver.step({ ...plan, released: [lane0] })).outputs).toHaveLength(1);
      });
    });

    describe('a plan that contradicts what the engine knows', () => {
      type Plan = Omit<Partial<StepPlan>, 'stepId'>;
      const plans: readonly (readonly [title: string, create: () => Plan])[] = [
        ['admits to a lane that is taken', () => ({ admitted: [createAdmittedSequence()] })],
        [
          'admits to a lane that does not exist',
          () => ({ admitted: [createAdmittedSequence({ lane: laneId(description().numLanes) })] }),
        ],
        ['computes a lane without a sequence', () => ({ chunks: [knownChunk(lane1, 1)] })],
        ['computes a lane that it releases', () => ({ released: [lane0], chunks: [knownChunk(lane0, 1)] })],
        ['computes more tokens than are known', () => ({ chunks: [knownChunk(lane0, 2)] })],
        ['computes a known token as if it was sampled', () => ({ chunks: [decodeChunk(lane0)] })],
        ['gives explicit tokens before the known ones', () => ({ chunks: [explicitChunk(lane0, [1])] })],
        [
          'computes a lane twice',
          () => ({
            admitted: [createAdmittedSequence({ lane: lane1 })],
            chunks: [1, 2].map((numTokens) =>
              knownChunk(lane1, numTokens, { newPages: driver.takePages(2), samples: false }),
            ),
          }),
        ],
        [
          'computes more rows than a step has',
          () => {
            const length = description().maxStepTokens + 1;
            return {
              admitted: [createAdmittedSequence({ lane: lane1, tokenIds: randomIds(length) })],
              chunks: [knownChunk(lane1, length, { newPages: driver.takePages(length) })],
            };
          },
        ],
        [
          'samples before the last known token',
          () => ({
            admitted: [createAdmittedSequence({ lane: lane1 })],
            chunks: [knownChunk(lane1, 2, { newPages: driver.takePages(2) })],
          }),
        ],
        [
          'computes positions without pages',
          () => ({
            admitted: [createAdmittedSequence({ lane: lane1, tokenIds: randomIds(pageLen() + 1) })],
            chunks: [knownChunk(lane1, pageLen() + 1, { newPages: driver.takePages(pageLen()) })],
          }),
        ],
      ];
      for (const [title, createPlan] of plans) {
        test(`is refused when it ${title}, and the engine goes on`, async () => {
          await driver.step({
            admitted: [createAdmittedSequence()],
            chunks: [knownChunk(lane0, 2, { newPages: driver.takePages(4), samples: false })],
          });
          await expect(driver.step(createPlan())).rejects.toMatchObject({ name: 'ServingError', reason: 'internal' });
          await driver.step({ released: [lane0, lane1] });
          const [{ tokens }] = await driver.run({ admitted: {}, numTokens: 2 });
          expect(tokens).toHaveLength(2);
        });
      }

      test('is refused when it goes on from a token that was not sampled', async () => {
        await driver.step({
          admitted: [createAdmittedSequence()],
          chunks: [knownChunk(lane0, 3, { newPages: driver.takePages(4), samples: false })],
        });
        await expect(driver.step({ chunks: [decodeChunk(lane0)] })).rejects.toMatchObject({ reason: 'internal' });
      });

      for (const [title, chunk] of [
        ['known', knownChunk(lane0, 1)],
        ['explicit', explicitChunk(lane0, [1])],
      ] as const) {
        test(`is refused when it gives ${title} tokens where one was sampled`, async () => {
          await driver.step({
            admitted: [createAdmittedSequence()],
            chunks: [knownChunk(lane0, 3, { newPages: driver.takePages(4) })],
          });
          await expect(driver.step({ chunks: [chunk] })).rejects.toMatchObject({ reason: 'internal' });
        });
      }
    });

    test('runs calls in order although nobody waits for them', async () => {
      const key = embeddingKey('late');
      const visuals = [{ embeddingKey: key, offset: 1, length: 4 }];
      const tokenIds = Int32Array.of(1, 9, 9, 9, 9);
      const staged = driver.engine.stage(createFakeEmbedding(key, 4, description().hiddenSize));
      const first = driver.step({
        admitted: [createAdmittedSequence({ tokenIds, visuals })],
        chunks: [knownChunk(lane0, 5, { newPages: driver.takePages(6) })],
      });
      await staged;
      expect((await first).outputs).toHaveLength(1);
    });
  });
}

const idsOf = (tokens: readonly SampledToken[]): number[] => tokens.map(({ tokenId }) => tokenId);

function logSoftmax(logits: Float32Array): Float64Array {
  const max = logits.reduce((a, b) => Math.max(a, b));
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0);
  return Float64Array.from(logits, (logit) => logit - max - Math.log(total));
}
