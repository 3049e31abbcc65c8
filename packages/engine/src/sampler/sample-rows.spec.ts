import { createSamplingParams, createSamplingRow, SeededRandom } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { createLocalGroup } from '../collective/local-collective.js';
import { adjustLogits } from './adjust-logits.js';
import type { Choice } from './choose-token.js';
import { createRowNoise } from './row-noise.js';
import { sampleRows } from './sample-rows.js';
import type { SamplingRow } from './sampling-row.js';

type GivenParams = Parameters<typeof createSamplingParams>[0];

const rowOf = (params: GivenParams, given: Partial<SamplingRow> = {}): SamplingRow =>
  createSamplingRow({ ...given, params: createSamplingParams(params) });

interface Outcome {
  readonly choices: Choice[];
  /** Messages of a rank: one for all rows, and one for each row that was gathered whole. */
  readonly numGathers: number;
}

/** Samples rows whose logits are cut over `numRanks`, and checks that all ranks say the same, a token for each. */
async function sampleOn(...given: Parameters<typeof trySampleOn>): Promise<Outcome> {
  const { choices, numGathers } = await trySampleOn(...given);
  const chosen = choices.filter((choice) => choice !== undefined);
  expect(chosen).toHaveLength(choices.length);
  return { choices: chosen, numGathers };
}

/** The same for rows of which some may have no token to choose. */
async function trySampleOn(
  numRanks: number,
  rows: readonly SamplingRow[],
  logits: readonly Float32Array[],
  numTokens = logits[0].length,
) {
  let numGathers = 0;
  const sliceLen = Math.ceil(logits[0].length / numRanks);
  const ranks = createLocalGroup(numRanks).collectives.map(({ allGather, ...collective }) => {
    const counted = <Value>(value: Value) => {
      if (collective.rank === 0) numGathers++;
      return allGather(value);
    };
    const offset = collective.rank * sliceLen;
    const slices = logits.map((row) => row.slice(offset, offset + sliceLen));
    const slice = { offset, length: slices[0].length, numTokens };
    return sampleRows(rows, slices, slice, { ...collective, allGather: counted });
  });
  const [first, ...others] = await Promise.all(ranks);
  for (const other of others) expect(other).toEqual(first);
  return { choices: first, numGathers };
}

const sampleOne = async (params: GivenParams, logits: readonly number[] | Float32Array, numRanks = 1) =>
  (await sampleOn(numRanks, [rowOf(params)], [Float32Array.from(logits)])).choices[0];

/** Ids that may be chosen and their scores, best first: the definition, over the whole vocabulary. */
function referenceCandidates(logits: Float32Array, row: SamplingRow, numTokens: number) {
  const { temperature, topK, topP, minP } = row.params;
  const scores = Float32Array.from(logits);
  adjustLogits(scores, 0, row);
  scores.fill(Number.NEGATIVE_INFINITY, numTokens);
  let ranked = Array.from(scores, (score, id) => ({ id, score: Math.fround(score / (temperature || 1)) }))
    .filter(({ score }) => score > Number.NEGATIVE_INFINITY)
    .sort((a, b) => b.score - a.score || a.id - b.id);
  if (temperature === 0) return ranked;
  if (topK > 0) ranked = ranked.slice(0, topK);
  if (topP < 1) {
    const weights = ranked.map(({ score }) => Math.exp(score - ranked[0].score));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let mass = 0;
    const last = weights.findIndex((weight) => {
      mass += weight / total;
      return mass >= topP;
    });
    ranked = ranked.slice(0, last < 0 ? ranked.length : last + 1);
  }
  return ranked.filter(({ score }) => Math.exp(score - ranked[0].score) >= minP);
}

function referenceChoice(logits: Float32Array, row: SamplingRow, numTokens: number) {
  const { temperature, seed, choiceIndex } = row.params;
  const noise = createRowNoise(seed, choiceIndex, row.position);
  const noisy = referenceCandidates(logits, row, numTokens)
    .map(({ id, score }) => ({ id, score: temperature === 0 ? score : score + noise(id) }))
    .sort((a, b) => b.score - a.score || a.id - b.id);
  const lead = noisy.length > 1 ? noisy[0].score - noisy[1].score : Number.POSITIVE_INFINITY;
  return { tokenId: noisy[0].id, decisionMargin: lead * (temperature || 1) };
}

const isClose = (a: number, b: number): boolean => a === b || Math.abs(a - b) < 1e-5;

const idsOf = (choices: readonly { readonly tokenId: number }[]): number[] => choices.map(({ tokenId }) => tokenId);

function randomRow(random: SeededRandom, numIds: number): SamplingRow {
  const ids = (count: number) => Array.from({ length: count }, () => random.integer(0, numIds - 1));
  const params = {
    temperature: random.pick([0, 0.3, 0.7, 1, 1.7]),
    topK: random.pick([0, 0, 1, 5, 50, 300]),
    topP: random.pick([1, 1, 0.95, 0.6, 0.1]),
    minP: random.pick([0, 0, 0.02, 0.3]),
    repetitionPenalty: random.pick([1, 1, 1.2, 0.8]),
    presencePenalty: random.pick([0, 0, 0.5]),
    frequencyPenalty: random.pick([0, 0, -0.25]),
    logitBias: new Map(ids(2).map((id) => [id, random.pick([-100, 3])])),
    stopTokenIds: ids(2),
    minTokens: random.integer(0, 2),
    seed: random.integer(0, 2 ** 31),
    choiceIndex: random.integer(0, 3),
  };
  const outputCounts = new Map(ids(3).map((id) => [id, random.integer(1, 3)]));
  const position = random.integer(1, 5000);
  return rowOf(params, { position, numOutputTokens: random.integer(0, 3), promptIds: new Set(ids(5)), outputCounts });
}

describe('sampleRows', () => {
  for (const [title, scale, step] of [
    ['peaked rows', 6, 0],
    ['flat rows', 0.3, 0],
    ['rows full of ties', 2, 0.5],
  ] as const) {
    test(`chooses as the definition says on one, two and four ranks: ${title}`, async () => {
      const random = new SeededRandom(scale);
      for (let batch = 0; batch < 34; batch++) {
        const numIds = random.pick([5, 90, 700]);
        const numTokens = numIds - random.integer(0, 2);
        const rows = Array.from({ length: 20 }, () => randomRow(random, numTokens));
        const logits = rows.map(() =>
          random.normals(numIds).map((x) => (step ? Math.round((scale * x) / step) * step : scale * x)),
        );
        const expected = rows.map((row, i) => referenceChoice(logits[i], row, numTokens));
        for (const numRanks of [1, 2, 4]) {
          const { choices } = await sampleOn(numRanks, rows, logits, numTokens);
          const what = `batch ${batch} on ${numRanks} ranks`;
          expect(idsOf(choices), what).toEqual(idsOf(expected));
          const isOff = choices.map(({ decisionMargin: margin }, i) => !isClose(margin, expected[i].decisionMargin));
          expect(isOff.indexOf(true), what).toBe(-1);
        }
      }
    });
  }

  describe('gathers a row whole', () => {
    const flat = (numIds: number) => Float32Array.from({ length: numIds }, (_, id) => ((id * 37) % numIds) / numIds);
    const peaked = Float32Array.from({ length: 2000 }, (_, id) => (id % 100 === 0 ? 20 : -20));
    for (const [title, numGathers, params, logits] of [
      ['never when greedy', 1, { temperature: 0 }, flat(2000)],
      ['never when nothing is cut off', 1, { temperature: 1 }, flat(2000)],
      ['not for a top-k among the candidates', 1, { temperature: 1, topK: 256 }, flat(2000)],
      ['for a top-k above the candidates', 2, { temperature: 1, topK: 600 }, flat(2000)],
      ['not for a nucleus among the candidates', 1, { temperature: 1, topP: 0.9 }, peaked],
      ['for a nucleus wider than the candidates', 2, { temperature: 1, topP: 0.9 }, flat(2000)],
      ['not when min-p cuts among the candidates', 1, { temperature: 1, minP: 0.5 }, peaked],
      ['for a min-p that keeps more than the candidates', 2, { temperature: 1, minP: 0.1 }, flat(2000)],
      ['not when the slices are smaller than the candidates', 1, { temperature: 1, topK: 300 }, flat(500)],
    ] as const) {
      test(`${title}`, async () => {
        const row = rowOf({ ...params, seed: 4 });
        const outcome = await sampleOn(2, [row], [logits]);
        expect(outcome.numGathers).toBe(numGathers);
        expect(outcome.choices[0].tokenId).toBe(referenceChoice(logits, row, logits.length).tokenId);
      });
    }

    for (const [title, params] of [
      ['top-k', { temperature: 1, topK: 300 }],
      ['nucleus', { temperature: 1, topP: 0.5507 }],
      ['min-p', { temperature: 1, minP: 0.9 }],
    ] as const) {
      test(`where equals of its last candidate wait on a rank: ${title}`, async () => {
        const equals = new Float32Array(600).fill(1);
        const rows = Array.from({ length: 40 }, (_, position) => rowOf(params, { position }));
        const { choices } = await sampleOn(
          2,
          rows,
          rows.map(() => equals),
        );
        const expected = rows.map((row) => referenceChoice(equals, row, 600).tokenId);
        expect(idsOf(choices)).toEqual(expected);
      });
    }

    test('only where it must', async () => {
      const rows = [rowOf({}), rowOf({ temperature: 1, topP: 0.99 }), rowOf({ temperature: 1 })];
      const { numGathers, choices } = await sampleOn(4, rows, [flat(2000), flat(2000), flat(2000)]);
      expect(numGathers).toBe(2);
      expect(idsOf(choices)).toEqual(rows.map((row) => referenceChoice(flat(2000), row, 2000).tokenId));
    });
  });

  describe('log-probabilities', () => {
    const random = new SeededRandom(3);
    const logits = random.normals(1500).map((x) => 0.2 * x);
    const max = Math.max(...logits);
    const total = max + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
    const best = [...logits.keys()].sort((a, b) => logits[b] - logits[a]);

    for (const [title, params] of [
      ['of a greedy token', { temperature: 0 }],
      ['of a sampled token', { temperature: 0.5 }],
      ['after a cut among the candidates', { temperature: 0.5, topK: 20 }],
      ['after a whole row was gathered', { temperature: 2, topP: 0.95 }],
      ['whatever bias and penalties do', { temperature: 1, logitBias: new Map([[7, 50]]), presencePenalty: 2 }],
    ] as const) {
      for (const numRanks of [1, 4]) {
        test(`are those of the raw logits ${title}, on ${numRanks} ranks`, async () => {
          const row = rowOf({ ...params, seed: 2, numTopLogprobs: 5 }, { outputCounts: new Map([[7, 1]]) });
          const [choice] = (await sampleOn(numRanks, [row], [logits])).choices;
          expect(choice.logprob).toBeCloseTo(logits[choice.tokenId] - total, 9);
          expect(choice.topLogprobs?.map(({ tokenId }) => tokenId)).toEqual(best.slice(0, 5));
          for (const { tokenId, logprob } of choice.topLogprobs ?? []) {
            expect(logprob).toBeCloseTo(logits[tokenId] - total, 9);
          }
        });
      }
    }

    test('may be asked for without alternatives', async () => {
      const choice = await sampleOne({ numTopLogprobs: 0 }, [1, 2, 3]);
      expect(choice.topLogprobs).toEqual([]);
      expect(choice.logprob).toBeCloseTo(-Math.log(1 + Math.exp(-1) + Math.exp(-2)), 9);
    });

    test('are absent unless asked for', async () => {
      expect(await sampleOne({}, [1, 2, 3])).toEqual({ tokenId: 2, decisionMargin: 1 });
    });
  });

  describe('frequencies', () => {
    const logits = Float32Array.of(2, 1, 0.5, 0, -1, -3, 0.5, 1.5);
    const numDraws = 5000;
    for (const [title, params] of [
      ['of the whole row', { temperature: 1 }],
      ['at a high temperature', { temperature: 2 }],
      ['within a top-k', { temperature: 1, topK: 4 }],
      ['within a nucleus', { temperature: 1, topP: 0.8 }],
      ['above a min-p', { temperature: 0.8, minP: 0.2 }],
    ] as const) {
      for (const [varied, rowAt] of [
        ['positions', (i: number) => rowOf({ ...params, seed: 1 }, { position: i })],
        ['seeds', (i: number) => rowOf({ ...params, seed: i }, { position: 8 })],
      ] as const) {
        test(`match the probabilities ${title}, over ${varied}`, async () => {
          const rows = Array.from({ length: numDraws }, (_, i) => rowAt(i));
          const { choices } = await sampleOn(
            1,
            rows,
            rows.map(() => logits),
          );
          const kept = referenceCandidates(logits, rows[0], logits.length);
          const total = kept.reduce((sum, { score }) => sum + Math.exp(score), 0);
          const chiSquare = kept.reduce((sum, { id, score }) => {
            const expected = (numDraws * Math.exp(score)) / total;
            const count = choices.filter(({ tokenId }) => tokenId === id).length;
            return sum + (count - expected) ** 2 / expected;
          }, 0);
          const ids = new Set(kept.map(({ id }) => id));
          expect(choices.every(({ tokenId }) => ids.has(tokenId))).toBe(true);
          // At most 7 degrees of freedom: 29.9 is the 99.99 % quantile.
          expect(chiSquare).toBeLessThan(29.9);
        });
      }
    }
  });

  describe('choices', () => {
    test('go to the lowest id among equals, across ranks', async () => {
      for (const numRanks of [1, 2, 4]) {
        expect((await sampleOne({}, [0, 3, 1, 3, 3, 2, 3, 0], numRanks)).tokenId).toBe(1);
      }
    });

    test('have a margin of 0 between equals and an endless one without a rival', async () => {
      expect((await sampleOne({}, [1, 5, 5], 2)).decisionMargin).toBe(0);
      const topK = { temperature: 1, topK: 1 };
      expect((await sampleOne(topK, [1, 5, 5], 2)).decisionMargin).toBe(Number.POSITIVE_INFINITY);
      const ban = { logitBias: new Map([[0, Number.NEGATIVE_INFINITY]]) };
      expect((await sampleOne(ban, [1, 5])).decisionMargin).toBe(Number.POSITIVE_INFINITY);
    });

    test('have margins in units of a logit at any temperature', async () => {
      const margins = await Promise.all(
        [0.5, 1, 2].map(async (temperature) => {
          const { tokenId, decisionMargin } = await sampleOne({ temperature, seed: 9 }, [0, 1]);
          const noise = createRowNoise(9, 0, 3);
          const lead = 1 + temperature * (noise(1) - noise(0));
          expect(tokenId).toBe(lead > 0 ? 1 : 0);
          return decisionMargin - Math.abs(lead);
        }),
      );
      for (const difference of margins) expect(difference).toBeCloseTo(0, 6);
    });

    test('never fall on padding, be it the best by far', async () => {
      const logits = [Float32Array.of(0, 1, 2, 100, 100, 100)];
      for (const params of [{}, { temperature: 5 }, { temperature: 5, topK: 5 }, { temperature: 5, topP: 0.99 }]) {
        for (const numRanks of [1, 2, 3]) {
          const rows = Array.from({ length: 50 }, (_, position) => rowOf(params, { position }));
          const { choices } = await sampleOn(
            numRanks,
            rows,
            rows.map(() => logits[0]),
            3,
          );
          expect(Math.max(...idsOf(choices))).toBeLessThan(3);
        }
      }
    });

    test('never fall on a logit that is not a number', async () => {
      const logits = [Number.NaN, 1, Number.NaN, 0];
      for (const params of [{}, { temperature: 1 }, { temperature: 1, topK: 3 }, { temperature: 1, topP: 0.5 }]) {
        expect([1, 3]).toContain((await sampleOne(params, logits, 2)).tokenId);
      }
    });

    test('skip stop ids until enough tokens are out', async () => {
      const params = { minTokens: 2, stopTokenIds: [0] };
      const rows = [0, 1, 2].map((numOutputTokens) => rowOf(params, { numOutputTokens }));
      const { choices } = await sampleOn(
        1,
        rows,
        rows.map(() => Float32Array.of(9, 1)),
      );
      expect(idsOf(choices)).toEqual([1, 1, 0]);
    });

    test('change neither the logits that they are made from nor each other', async () => {
      const logits = Float32Array.of(1, 2, 3);
      const rows = [rowOf({ logitBias: new Map([[2, -9]]) }), rowOf({})];
      const { choices } = await sampleOn(1, rows, [logits, logits]);
      expect(idsOf(choices)).toEqual([1, 2]);
      expect(logits).toEqual(Float32Array.of(1, 2, 3));
    });

    test('are made of no row at all', async () => {
      expect(
        await sampleRows([], [], { offset: 0, length: 8, numTokens: 8 }, createLocalGroup(1).collectives[0]),
      ).toEqual([]);
    });

    for (const [what, params] of [
      ['greedy', {}],
      ['sampled', { temperature: 1 }],
      ['cut', { temperature: 1, topP: 0.9 }],
      ['cut by rank', { temperature: 1, topK: 2, numTopLogprobs: 2 }],
    ] as const) {
      const good = rowOf({ ...params, seed: 4 });
      const goodLogits = Float32Array.of(1, 2, 3, 4);
      const masked = rowOf({ ...params, minTokens: 1, stopTokenIds: [0, 1, 2, 3] });
      for (const [why, row, logits] of [
        ['is masked', masked, goodLogits],
        ['is not a number', good, new Float32Array(4).fill(Number.NaN)],
        ['has overflowed', good, Float32Array.of(1, Number.POSITIVE_INFINITY, Number.NaN, Number.NEGATIVE_INFINITY)],
      ] as const) {
        test(`are not made where everything ${why}, and made of all other rows: ${what}`, async () => {
          const { choices: alone } = await sampleOn(2, [good], [goodLogits]);
          const { choices } = await trySampleOn(2, [good, row, good], [goodLogits, logits, goodLogits]);
          expect(choices).toEqual([alone[0], undefined, alone[0]]);
        });
      }
    }
  });
});
