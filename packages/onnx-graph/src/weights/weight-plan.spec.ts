import { describe, expect, it } from 'vitest';
import { parseWeightPlan, weightPlans } from './weight-plan.js';

describe('parseWeightPlan', () => {
  const cases = {
    auto: weightPlans.auto,
    fp32: weightPlans.fp32,
    int8: weightPlans.int8,
    'int8+int4': weightPlans['int8+int4'],
    'int4,decoder=int8+int4': weightPlans['int8+int4'],
    'int8,decoder=int4': { ...weightPlans.int8, decoder: 'int4' },
    'decoder=int8, head=int4': { decoder: 'int8', head: 'int4', tower: 'auto', merger: 'auto' },
  };
  for (const [text, plan] of Object.entries(cases)) {
    it(`reads ${text}`, () => expect(parseWeightPlan(text)).toEqual(plan));
  }

  for (const text of ['int5', 'decoder=', 'tail=int8', 'decoder=int5', 'head=int8+int4', '']) {
    it(`refuses "${text}" and says what there is`, () => {
      expect(() => parseWeightPlan(text)).toThrow(expect.objectContaining({ reason: 'invalid_option' }));
    });
  }
});
