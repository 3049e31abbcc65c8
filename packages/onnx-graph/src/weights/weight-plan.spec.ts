import { describe, expect, it } from 'vitest';
import { formOf, parseWeightPlan, weightPlans } from './weight-plan.js';

describe('parseWeightPlan', () => {
  const cases = {
    fp32: weightPlans.fp32,
    int8: weightPlans.int8,
    'int8,decoder=int4': { ...weightPlans.int8, decoder: 'int4' },
    'decoder=int8, head=int4': { decoder: 'int8', head: 'int4', tower: 'fp32', merger: 'fp32' },
  };
  for (const [text, plan] of Object.entries(cases)) {
    it(`reads ${text}`, () => expect(parseWeightPlan(text)).toEqual(plan));
  }

  for (const text of ['int5', 'decoder=', 'tail=int8', 'decoder=int5', '']) {
    it(`refuses "${text}" and says what there is`, () => {
      expect(() => parseWeightPlan(text)).toThrow(expect.objectContaining({ reason: 'invalid_option' }));
    });
  }
});

describe('formOf', () => {
  it('takes longer int4 blocks for long rows', () => {
    expect(formOf('int4', 192)).toEqual({ kind: 'int4', blockLen: 32 });
    expect(formOf('int4', 2048)).toEqual({ kind: 'int4', blockLen: 128 });
  });
});
