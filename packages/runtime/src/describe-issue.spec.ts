import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { describeIssue } from './describe-issue.js';

describe('describeIssue says once what was expected', () => {
  const tokenBias = z.record(z.string().regex(/^\d+$/, 'keys are token ids'), z.number());
  const cases: [z.ZodType, unknown, string][] = [
    [z.number(), 'hot', 'expected number'],
    [z.int(), 1.5, 'expected int'],
    [z.coerce.number(), 'x', 'expected number'],
    [z.number().max(2), 3, 'expected number to be <=2'],
    [z.string().min(1), '', 'expected string to have >=1 characters'],
    [z.enum(['low', 'high']), 'x', 'expected one of "low"|"high"'],
    [z.number().refine(() => false, 'needs stream: true, received late'), 1, 'needs stream: true, received late'],
    [tokenBias, { a: 1 }, 'keys are token ids'],
  ];
  for (const [schema, value, text] of cases) {
    it(text, () => expect(describeIssue(schema.safeParse(value).error!.issues[0]!)).toBe(text));
  }
});
