import { ServingError } from '@tessera/domain';
import type { TextConfig } from '@tessera/qwen2-5-vl';
import { describe, expect, it } from 'vitest';
import type { Workload } from './workload.js';
import { assertWithinModel, capacityFor, explainCapacity } from './workload-capacity.js';

/** Two batch sizes of two runs and a warm-up, measured twice: 13 positions behind the context. */
const workload: Workload = {
  numThreads: 1,
  kvDtype: 'float32',
  contextLen: 87,
  prefillLens: [40, 100],
  batchSizes: [1, 3],
  imageSides: [56],
  numRuns: 2,
};

it('has a lane more than the largest batch, with pages for the longest sequence in each', () => {
  expect(capacityFor(workload)).toEqual({ numLanes: 4, maxStepTokens: 512, kvCapacityTokens: 4 * 112 });
  expect(capacityFor({ ...workload, prefillLens: [600] })).toMatchObject({
    maxStepTokens: 600,
    kvCapacityTokens: 4 * 608,
  });
});

describe('assertWithinModel', () => {
  const check = (given: Partial<Workload>) => () =>
    assertWithinModel({ ...workload, ...given }, { maxPositionEmbeddings: 100 } as TextConfig);

  it('takes what just fits', () => expect(check({})).not.toThrow());

  const refusals: [given: Partial<Workload>, option: string, message: string][] = [
    [{ prefillLens: [101, 5] }, '--prefill', "--prefill: 101 tokens are above the model's limit, 100."],
    [
      { contextLen: 88 },
      '--context',
      "--context: 88 positions and 13 decoded behind them are above the model's limit, 100.",
    ],
  ];
  for (const [given, option, message] of refusals) {
    it(`refuses by ${option} what is longer than the model takes`, () => {
      expect(check(given)).toThrow(
        expect.objectContaining({ reason: 'invalid_option', message, facts: expect.objectContaining({ option }) }),
      );
    });
  }
});

describe('explainCapacity', () => {
  it('names the flags of the workload where the decoder names the size of its cache', () => {
    const cause = new ServingError('invalid_option', 'too large; --kv-cache-tokens …', { option: '--kv-cache-tokens' });
    expect(explainCapacity(cause, capacityFor(workload))).toMatchObject({
      reason: 'invalid_option',
      message: 'There is no room for 4 sequences of 112 positions; smaller --batch, --context or --prefill take less.',
      cause,
    });
  });

  it('leaves every other error as it is', () => {
    for (const cause of [new Error('x'), new ServingError('invalid_option', 'x', { option: '--kv' })]) {
      expect(explainCapacity(cause, capacityFor(workload))).toBe(cause);
    }
  });
});
