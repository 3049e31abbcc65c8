import { laneId, requestId } from '@tessera/domain';
import {
  createRequest,
  createVisualRequest,
  decodeChunk,
  FakeDecoderEngine,
  knownChunk,
  pageIds,
  SeededRandom,
} from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { EventQueue } from './event-queue.js';
import { planStep } from './plan-step.js';
import { Sequence } from './sequence.js';

interface State {
  readonly promptLen: number;
  readonly pages?: readonly number[];
  readonly numComputed?: number;
  /** Tokens sampled so far. */
  readonly numSampled?: number;
  readonly isAdmitted?: boolean;
  readonly waitsSinceStep?: number;
}

function createSequence(lane: number, { promptLen, pages = [lane], ...state }: State): Sequence {
  const tokenIds = Int32Array.from({ length: promptLen }, (_, i) => i);
  const request = createRequest({ requestId: requestId(`r${lane}`), tokenIds, maxTokens: 100 });
  const sequence = new Sequence(request, new EventQueue());
  sequence.residence = { lane: laneId(lane), pages: pageIds(...pages) };
  sequence.numComputed = state.numComputed ?? 0;
  sequence.waitsSinceStep = state.waitsSinceStep ?? 0;
  sequence.isAdmitted = state.isAdmitted ?? sequence.numComputed > 0;
  for (let i = 0; i < (state.numSampled ?? 0); i++) sequence.accept({ tokenId: 1, outputIndex: i });
  return sequence;
}

const [lane0, lane1, lane2, lane3] = [0, 1, 2, 3].map(laneId);
const decoding: State = { promptLen: 3, numComputed: 3, numSampled: 1 };
const plan = (running: readonly Sequence[], maxStepTokens = 8) => planStep(5, running, [], { maxStepTokens });

describe('planStep', () => {
  test('computes a short prompt whole, admits it with it and samples', () => {
    const sequence = createSequence(2, { promptLen: 3, pages: [4, 6] });
    expect(planStep(5, [sequence], [lane0, lane3], { maxStepTokens: 8 })).toEqual({
      stepId: 5,
      released: [lane0, lane3],
      admitted: [
        {
          sequenceId: sequence.id,
          lane: lane2,
          tokenIds: Int32Array.of(0, 1, 2),
          numPromptTokens: 3,
          positions: sequence.request.positions,
          visuals: [],
          numCached: 0,
          pages: [],
          sampling: sequence.request.sampling,
        },
      ],
      chunks: [knownChunk(lane2, 3, { newPages: pageIds(4, 6) })],
    });
  });

  test('plans nothing for nobody', () => {
    expect(planStep(6, [], [lane1], { maxStepTokens: 8 })).toEqual({
      stepId: 6,
      released: [lane1],
      admitted: [],
      chunks: [],
    });
  });

  test('admits resumed tokens behind the prompt, and computes them with it', () => {
    const request = createRequest({ tokenIds: Int32Array.of(1, 2), resumeTokens: [8, 9] });
    const sequence = new Sequence(request, new EventQueue());
    sequence.residence = { lane: lane0, pages: pageIds(0) };
    const { admitted, chunks } = plan([sequence]);
    expect(admitted[0]).toMatchObject({ tokenIds: Int32Array.of(1, 2, 8, 9), numPromptTokens: 2 });
    expect(chunks).toEqual([knownChunk(lane0, 4, { newPages: pageIds(0) })]);
  });

  test('says where the rows of each visual go', () => {
    const sequence = new Sequence(createVisualRequest(['cat', 'dog']), new EventQueue());
    sequence.residence = { lane: lane0, pages: pageIds(0) };
    expect(plan([sequence], 20).admitted[0].visuals).toEqual([
      { embeddingKey: 'cat', offset: 2, length: 4 },
      { embeddingKey: 'dog', offset: 7, length: 4 },
    ]);
  });

  test('puts sequences that decode before those with a prompt, each kind in order of arrival', () => {
    const { chunks } = plan([
      createSequence(0, { promptLen: 2 }),
      createSequence(1, decoding),
      createSequence(2, { promptLen: 9, numComputed: 6 }),
      createSequence(3, decoding),
    ]);
    expect(chunks).toEqual([
      decodeChunk(lane1),
      decodeChunk(lane3),
      knownChunk(lane0, 2, { newPages: pageIds(0) }),
      knownChunk(lane2, 3),
    ]);
  });

  test('cuts the prompt that no longer fits, does not sample it, and leaves the rest out', () => {
    const { chunks, admitted } = plan([
      createSequence(0, decoding),
      createSequence(1, { promptLen: 4 }),
      createSequence(2, { promptLen: 6 }),
      createSequence(3, { promptLen: 2 }),
    ]);
    expect(chunks).toEqual([
      decodeChunk(lane0),
      knownChunk(lane1, 4, { newPages: pageIds(1) }),
      knownChunk(lane2, 3, { newPages: pageIds(2), samples: false }),
    ]);
    expect(admitted.map(({ lane }) => lane)).toEqual([lane1, lane2]);
  });

  test('goes on in the middle of a prompt without admitting it or giving its pages again', () => {
    expect(plan([createSequence(0, { promptLen: 20, numComputed: 8 })])).toMatchObject({
      admitted: [],
      chunks: [knownChunk(lane0, 8, { samples: false })],
    });
  });

  test('samples with the chunk that ends a prompt', () => {
    expect(plan([createSequence(0, { promptLen: 20, numComputed: 12 })]).chunks).toEqual([knownChunk(lane0, 8)]);
  });

  test('leaves out decoding sequences too when there are more than rows', () => {
    const running = [0, 1, 2].map((lane) => createSequence(lane, decoding));
    expect(plan(running, 2).chunks).toEqual([decodeChunk(lane0), decodeChunk(lane1)]);
  });

  test('takes those first that wait longest when there are more than rows, prompts too', () => {
    const running = [
      createSequence(0, { ...decoding, waitsSinceStep: 5 }),
      createSequence(1, { ...decoding, waitsSinceStep: 4 }),
      createSequence(2, { ...decoding, waitsSinceStep: 5 }),
      createSequence(3, { promptLen: 6, waitsSinceStep: 3 }),
    ];
    const prompt = (numTokens: number, samples: boolean) =>
      knownChunk(lane3, numTokens, { newPages: pageIds(3), samples });
    expect(plan(running, 3).chunks).toEqual([prompt(3, false)]);
    expect(plan(running.slice(0, 3), 2).chunks).toEqual([decodeChunk(lane1), decodeChunk(lane0)]);
    expect(plan(running, 9).chunks.at(-1)).toEqual(prompt(6, true));
  });

  test('refuses a sequence that has no lane', () => {
    const sequence = createSequence(0, { promptLen: 1 });
    sequence.residence = undefined;
    expect(() => plan([sequence])).toThrow('Sequence r0/0/0 runs without a lane.');
  });

  test('makes plans that an engine accepts, step by step, until all prompts and tokens are computed', async () => {
    const random = new SeededRandom(2);
    for (let round = 0; round < 20; round++) {
      const running = [0, 1, 2, 3].map((lane) =>
        createSequence(lane, {
          promptLen: random.integer(1, 12),
          pages: [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3],
        }),
      );
      const maxStepTokens = random.integer(1, 9);
      const engine = new FakeDecoderEngine({ maxStepTokens });
      for (let stepId = 0; running.some(({ numOutputTokens }) => numOutputTokens < 3); stepId++) {
        const unfinished = running.filter(({ numOutputTokens }) => numOutputTokens < 3);
        const step = planStep(stepId, unfinished, [], { maxStepTokens });
        const { outputs } = await engine.step(step);
        const rows = step.chunks.map(({ input }) => (input.kind === 'known' ? input.numTokens : 1));
        expect(rows.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(maxStepTokens);
        for (const [i, { lane }] of step.chunks.entries()) {
          running[lane].isAdmitted = true;
          running[lane].numComputed += rows[i];
        }
        for (const { lane, tokens } of outputs) running[lane].accept(tokens[0]);
      }
    }
  });
});
