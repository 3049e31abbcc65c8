import { describe, expect, test } from 'vitest';
import { createDescription } from '../testing/create-description.js';
import { assertAlike } from './assert-alike.js';
import type { RankDescription } from './description.js';

describe('assertAlike', () => {
  const { kvLayout } = createDescription();
  const cases: readonly (readonly [name: string, other: Partial<RankDescription>])[] = [
    ['modelRevision', { modelRevision: 'another' }],
    ['engineDigest', { engineDigest: 'another' }],
    ['maxStepTokens', { maxStepTokens: 16 }],
    ['isRowInvariant', { isRowInvariant: false }],
    ['numPages', { kvLayout: { ...kvLayout, numPages: 17 } }],
    ['dtype', { kvLayout: { ...kvLayout, dtype: 'int8' } }],
  ];
  for (const [name, other] of cases) {
    test(`refuses a group of which one rank has another ${name}, and names it`, () => {
      const descriptions = [createDescription(), createDescription(), createDescription(other)];
      const refused = { reason: 'invalid_option', facts: { groupId: 'g', rank: 2, name } };
      expect(() => assertAlike('g', descriptions)).toThrow(expect.objectContaining(refused));
      expect(() => assertAlike('g', descriptions)).toThrow(`Rank 2 of group g has ${name} `);
    });
  }

  test('takes ranks that are alike, and a rank alone', () => {
    expect(() => assertAlike('g', [createDescription(), createDescription()])).not.toThrow();
    expect(() => assertAlike('g', [createDescription()])).not.toThrow();
  });
});
