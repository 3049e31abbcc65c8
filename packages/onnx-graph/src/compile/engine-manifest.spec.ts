import { describe, expect, it } from 'vitest';
import { weightPlans } from '../weights/weight-plan.js';
import { type EngineOptions, engineKey } from './engine-manifest.js';

const options: EngineOptions = { weights: weightPlans.fp32, numRanks: 1, cut: 'attention', hasTaps: false };

describe('engineKey', () => {
  it('is a name for a folder, the same whenever checkpoint and options are', () => {
    expect(engineKey('abc', options)).toMatch(/^[0-9a-f]{32}$/);
    expect(engineKey('abc', { ...options })).toBe(engineKey('abc', options));
  });

  const others: readonly (readonly [revision: string, options: EngineOptions])[] = [
    ['abd', options],
    ['abc', { ...options, numRanks: 2 }],
    ['abc', { ...options, cut: 'allReduce' }],
    ['abc', { ...options, hasTaps: true }],
  ];
  for (const [revision, other] of others) {
    it(`differs for revision ${revision} and ${JSON.stringify(other)}`, () => {
      expect(engineKey(revision, other)).not.toBe(engineKey('abc', options));
    });
  }
});
