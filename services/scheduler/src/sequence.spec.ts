import { EventQueue, laneId, requestId, type SchedulerEvent } from '@tessera/domain';
import { createRequest, createSamplingParams, createVisualRequest, pageIds } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { Sequence } from './sequence.js';

const create = (given: Parameters<typeof createRequest>[0] = {}) =>
  new Sequence(createRequest(given), new EventQueue(), 0);
const token = (tokenId: number, outputIndex = 0) => ({ tokenId, outputIndex });

async function collect({ events }: Sequence): Promise<SchedulerEvent[]> {
  const seen: SchedulerEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

describe('Sequence', () => {
  test('is named after its request, choice and attempt', () => {
    const sampling = createSamplingParams({ choiceIndex: 2 });
    expect(create({ requestId: requestId('r'), attempt: 1, sampling }).id).toBe('r/2/1');
  });

  test('counts what is left to plan, tokens on their way included', () => {
    const sequence = create({ tokenIds: Int32Array.of(1, 2, 3), maxTokens: 4 });
    expect(sequence).toMatchObject({ numKnownTokens: 3, numTokensToPlan: 3, isDecoding: false, isAtLimit: false });
    Object.assign(sequence, { numPlanned: 3, numPendingSamples: 1, numSampled: 1 });
    expect(sequence).toMatchObject({ numKnownTokens: 3, numTokensToPlan: 1, isDecoding: true });
    Object.assign(sequence, { numPlanned: 4, numPendingSamples: 2, numSampled: 2 });
    expect(sequence).toMatchObject({ numTokensToPlan: 1 });
    sequence.accept(token(9));
    sequence.numPendingSamples--;
    expect(sequence).toMatchObject({ numKnownTokens: 4, numTokensToPlan: 1, outputTokens: [9] });
  });

  test('is at its limit when the last token that it may have is on its way', () => {
    const sequence = create({ maxTokens: 2 });
    sequence.accept(token(9));
    expect(sequence.isAtLimit).toBe(false);
    sequence.numPendingSamples = 1;
    expect(sequence.isAtLimit).toBe(true);
  });

  test('takes resumed tokens as known and as output, within the same limit', () => {
    const sequence = create({ tokenIds: Int32Array.of(1, 2), resumeTokens: [5, 6, 7], maxTokens: 4 });
    expect(sequence).toMatchObject({ numKnownTokens: 5, numTokensToPlan: 5, outputTokens: [5, 6, 7] });
    expect(sequence.tokensOf(1, 3)).toEqual([2, 5, 6]);
    expect(sequence.accept(token(8))).toBe('length');
  });

  test('goes by suspicion, then class, then priority', () => {
    const suspect = create({ class: 'batch' });
    suspect.isSuspect = true;
    const all = [
      suspect,
      create({ priority: 2 }),
      create(),
      create({ priority: -(2 ** 31) }),
      create({ class: 'batch', priority: 2 ** 31 }),
    ];
    const ranks = all.map(({ rank }) => rank);
    expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
  });

  test('says once that it started, with the prompt tokens that it found, and keeps that to its end', async () => {
    const sequence = create({ tokenIds: new Int32Array(6), resumeTokens: [1, 2, 3], maxTokens: 4 });
    const residence = { groupId: 'g', lane: laneId(0), pages: pageIds(0, 1), numCachedPages: 2, numPublished: 2 };
    sequence.start({ ...residence, isAdmitted: false }, 4);
    expect(sequence).toMatchObject({ numPlanned: 8, numComputed: 8, numTokensToPlan: 1 });
    sequence.stop();
    expect(sequence).toMatchObject({ residence: undefined, numPlanned: 0, numTokensToPlan: 9 });
    sequence.start({ ...residence, numCachedPages: 0, isAdmitted: false }, 4);
    sequence.finish('stop');
    const usage = { numPromptTokens: 6, numCachedTokens: 6, numOutputTokens: 3 };
    expect(await collect(sequence)).toEqual([
      { kind: 'started', numCachedTokens: 6 },
      { kind: 'finished', reason: 'stop', usage },
    ]);
  });

  test('ends for the stop token, before it ends for its length', () => {
    const sequence = create({ stopTokenIds: [7, 8], maxTokens: 2 });
    expect(sequence.accept(token(6))).toBeUndefined();
    expect(sequence.accept(token(8))).toBe('stop');
  });

  test('ends with the last token that it may have', () => {
    const sequence = create({ maxTokens: 3 });
    expect([1, 2, 3].map((id) => sequence.accept(token(id)))).toEqual([undefined, undefined, 'length']);
  });

  for (const [title, resumeTokens, expected] of [
    ['has not ended when nothing was emitted before', [], undefined],
    ['has not ended while tokens are left', [5, 6], undefined],
    ['has ended when an earlier attempt emitted all that it may', [5, 6, 7], 'length'],
    ['has ended when an earlier attempt emitted a stop token', [5, 9], 'stop'],
  ] as const) {
    test(title, () => {
      expect(create({ resumeTokens, maxTokens: 3, stopTokenIds: [9] }).resumedEnd).toBe(expected);
    });
  }

  test('finds its visuals among the segments', () => {
    const sequence = new Sequence(createVisualRequest(['cat', 'dog']), new EventQueue(), 0);
    expect(sequence.visuals.map(({ embeddingKey, offset }) => [embeddingKey, offset])).toEqual([
      ['cat', 2],
      ['dog', 7],
    ]);
  });
});
