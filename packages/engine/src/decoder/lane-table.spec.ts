import { type Chunk, laneId, sequenceId } from '@tessera/domain';
import { createAdmittedSequence, decodeChunk, explicitChunk, knownChunk, pageIds } from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { type LaneLimits, LaneTable } from './lane-table.js';

const limits: LaneLimits = {
  numLanes: 2,
  maxStepTokens: 8,
  maxContextLen: 10,
  kvLayout: { dtype: 'float32', pageLen: 4, numPages: 16, layersPerMemory: 1 },
};
const [lane0, lane1, lane2] = [0, 1, 2].map(laneId);

describe('LaneTable', () => {
  let lanes: LaneTable;
  beforeEach(() => {
    lanes = new LaneTable(limits);
    lanes.admit(createAdmittedSequence({ lane: lane0, tokenIds: Int32Array.of(1, 2, 3, 4, 5) }));
  });

  const begin = (chunk: Chunk): number => lanes.begin([chunk])[0].numTokens;
  /** Begins a chunk and takes it as computed. */
  const compute = (chunk: Chunk): void => lanes.get(chunk.lane).advance(begin(chunk));

  test('hands out the sequence of a lane until it is released', () => {
    expect(lanes.get(lane0).sequenceId).toBe(sequenceId('sequence-0'));
    lanes.release(lane0);
    expect(() => lanes.get(lane0)).toThrow('lane 0 holds no sequence');
  });

  test('gives a released lane to the next sequence', () => {
    lanes.release(lane0);
    lanes.admit(createAdmittedSequence({ lane: lane0, sequenceId: sequenceId('next') }));
    expect(lanes.get(lane0)).toMatchObject({ sequenceId: 'next', numTokens: 3, numComputed: 0 });
  });

  test('forgets all sequences at once', () => {
    lanes.admit(createAdmittedSequence({ lane: lane1 }));
    lanes.clear();
    for (const lane of [lane0, lane1]) expect(() => lanes.get(lane)).toThrow('holds no sequence');
  });

  test('releases a lane that is free', () => {
    lanes.release(lane1);
    expect(() => lanes.get(lane1)).toThrow('lane 1 holds no sequence');
  });

  for (const lane of [lane0, lane2]) {
    test(`refuses a sequence for lane ${lane} of 2 when lane 0 is taken`, () => {
      expect(() => lanes.admit(createAdmittedSequence({ lane }))).toThrow(`lane ${lane} of 2 is not free`);
    });
  }

  test('says how many tokens each kind of chunk computes', () => {
    expect(begin(knownChunk(lane0, 3, { newPages: pageIds(0), samples: false }))).toBe(3);
    lanes.get(lane0).advance(3);
    compute(knownChunk(lane0, 2, { newPages: pageIds(1), samples: false }));
    expect(begin(explicitChunk(lane0, [7, 8]))).toBe(2);
    lanes.get(lane0).advance(2);
    lanes.get(lane0).append(9);
    expect(begin(decodeChunk(lane0))).toBe(1);
  });

  test('appends a chunk’s pages to those before', () => {
    compute(knownChunk(lane0, 4, { newPages: pageIds(5), samples: false }));
    compute(knownChunk(lane0, 1, { newPages: pageIds(2, 9) }));
    expect(lanes.get(lane0).pages).toEqual([5, 2, 9]);
  });

  test('takes explicit tokens as output', () => {
    compute(knownChunk(lane0, 5, { newPages: pageIds(0, 1) }));
    compute(explicitChunk(lane0, [7, 8]));
    expect(lanes.get(lane0)).toMatchObject({ numTokens: 7, numOutputTokens: 2 });
    expect(lanes.get(lane0).tokenAt(6)).toBe(8);
  });

  const refused = (problem: string) =>
    expect.objectContaining({ reason: 'internal', message: expect.stringContaining(problem) });
  const whole = knownChunk(lane0, 5, { newPages: pageIds(0, 1, 2) });

  for (const [title, chunk, problem] of [
    ['a lane without a sequence', knownChunk(lane1, 1), 'lane 1 holds no sequence'],
    ['no token', knownChunk(lane0, 0), 'has no token'],
    ['more tokens than are known', knownChunk(lane0, 6, { newPages: pageIds(0, 1) }), 'has 5 known tokens left'],
    ['a position behind its pages', knownChunk(lane0, 5, { newPages: pageIds(0) }), 'lacks pages for its position 4'],
    ['a known token as a sampled one', decodeChunk(lane0, { newPages: pageIds(0) }), 'sampled no token before'],
  ] as const) {
    test(`refuses a chunk that computes ${title}`, () => {
      expect(() => begin(chunk)).toThrow(refused(problem));
    });
  }

  test('refuses a chunk that samples before the last token that is known', () => {
    expect(() => begin(knownChunk(lane0, 4, { newPages: pageIds(0) }))).toThrow(refused('samples at 4 of 5 tokens'));
  });

  for (const [title, chunk, problem] of [
    ['known', knownChunk(lane0, 1), 'has 0 known tokens left'],
    ['explicit', explicitChunk(lane0, [7]), 'has 1 tokens before the given ones'],
  ] as const) {
    test(`refuses a chunk of ${title} tokens where one was sampled`, () => {
      compute(whole);
      lanes.get(lane0).append(9);
      expect(() => begin(chunk)).toThrow(refused(problem));
    });
  }

  test('refuses to go on from a token that was not sampled', () => {
    compute(whole);
    expect(() => begin(decodeChunk(lane0))).toThrow(refused('sampled no token before, 0 are to be computed'));
  });

  test('refuses a sequence beyond the context', () => {
    compute(whole);
    expect(() => begin(explicitChunk(lane0, [1, 2, 3, 4, 5, 6]))).toThrow(
      refused('reaches 11 positions of at most 10'),
    );
  });

  describe('refuses a step', () => {
    beforeEach(() => lanes.admit(createAdmittedSequence({ lane: lane1, tokenIds: Int32Array.of(1, 2, 3, 4) })));

    test('with two chunks for one lane', () => {
      const chunk = knownChunk(lane0, 1, { newPages: pageIds(0), samples: false });
      expect(() => lanes.begin([chunk, chunk])).toThrow(refused('a lane has two chunks'));
    });

    test('with more rows than planned, of which it takes over nothing', () => {
      const chunks = [whole, knownChunk(lane1, 4, { newPages: pageIds(4) })];
      expect(() => lanes.begin(chunks)).toThrow(refused('9 rows in a step of at most 8'));
      expect(lanes.get(lane0).pages).toEqual([]);
    });
  });

  for (const page of [16, -1]) {
    test(`refuses page ${page} of 16, which would be another layer's memory`, () => {
      expect(() => begin(knownChunk(lane0, 5, { newPages: pageIds(page) }))).toThrow(`there is no page ${page} of 16`);
    });
  }
});
