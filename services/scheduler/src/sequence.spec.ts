import { requestId } from '@tessera/domain';
import { createRequest, createSamplingParams, createVisualRequest } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { EventQueue } from './event-queue.js';
import { Sequence } from './sequence.js';

const create = (given: Parameters<typeof createRequest>[0] = {}) =>
  new Sequence(createRequest(given), new EventQueue());
const token = (tokenId: number, outputIndex = 0) => ({ tokenId, outputIndex });

describe('Sequence', () => {
  test('is named after its request, choice and attempt', () => {
    const sampling = createSamplingParams({ choiceIndex: 2 });
    expect(create({ requestId: requestId('r'), attempt: 1, sampling }).id).toBe('r/2/1');
  });

  test('counts what is left to compute, in prefill and after', () => {
    const sequence = create({ tokenIds: Int32Array.of(1, 2, 3), maxTokens: 4 });
    expect(sequence).toMatchObject({ numKnownTokens: 3, numTokensToCompute: 3, isPrefilled: false, maxLen: 7 });
    sequence.numComputed = 2;
    expect(sequence).toMatchObject({ numTokensToCompute: 1, isPrefilled: false });
    sequence.numComputed = 3;
    sequence.accept(token(9));
    expect(sequence).toMatchObject({ numTokensToCompute: 1, isPrefilled: true, numOutputTokens: 1 });
  });

  test('takes resumed tokens as known and as output, within the same limit', () => {
    const sequence = create({ tokenIds: Int32Array.of(1, 2), resumeTokens: [5, 6, 7], maxTokens: 4 });
    expect(sequence).toMatchObject({ numKnownTokens: 5, numTokensToCompute: 5, numOutputTokens: 3, maxLen: 6 });
    expect(sequence.accept(token(8))).toBe('length');
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
    const sequence = new Sequence(createVisualRequest(['cat', 'dog']), new EventQueue());
    expect(sequence.visuals.map(({ embeddingKey, offset }) => [embeddingKey, offset])).toEqual([
      ['cat', 2],
      ['dog', 7],
    ]);
  });
});
