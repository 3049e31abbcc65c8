import { beforeEach, describe, expect, it } from 'vitest';
import { VerifyReport } from '../verify-report.js';
import { Divergences, explainedMargin, marginBetween } from './divergences.js';
import type { ServedStep } from './served-answer.js';

const place = { rung: '9 tokens', subject: 'a case' };
let report: VerifyReport;
let divergences: Divergences;
beforeEach(() => {
  report = new VerifyReport();
  divergences = new Divergences();
});

function compare(actual: string, expected: string, margins: readonly number[]): number {
  const tokens = { actual: [...actual], expected: [...expected] };
  return divergences.compare(tokens, (step) => margins[step], place, report);
}

describe('divergences', () => {
  it('are none when all tokens agree', () => {
    expect(compare('abc', 'abc', [0, 0, 0])).toBe(3);
    expect(report.failures).toEqual([]);
    expect(divergences.format()).toEqual(['divergences: 0 explained by a margin below 0.0004, 0 unexplained']);
  });

  it('are explained where the token was closely decided, and what follows is not compared', () => {
    expect(compare('abxy', 'abcd', [1, 1, explainedMargin / 2, 1])).toBe(2);
    expect(report.failures).toEqual([]);
    expect(divergences.format()).toEqual([
      'explained: a case: step 2 was decided by 2.0e-4',
      'divergences: 1 explained by a margin below 0.0004, 0 unexplained',
    ]);
  });

  const unexplained: [title: string, actual: string, margins: number[]][] = [
    ['the first token that differs was clearly decided, whatever the others were', 'abxd', [0, 0, explainedMargin, 0]],
    ['tokens are missing', 'abc', [0, 0, 0]],
    ['there are too many tokens', 'abcde', [0, 0, 0, 0]],
  ];
  for (const [title, actual, margins] of unexplained) {
    it(`fail where ${title}`, () => {
      compare(actual, 'abcd', margins);
      expect(report.failures).toMatchObject([place]);
      expect(divergences.unexplained).toHaveLength(1);
    });
  }
});

describe('marginBetween', () => {
  const step = (token: string, top: Record<string, number>): ServedStep => ({
    token,
    logprob: top[token],
    top: Object.entries(top),
  });

  it('is by how much the lead of one token over the other moved', () => {
    const [one, other] = [step('a', { a: -1, b: -1.5 }), step('b', { a: -1.25, b: -1.5 })];
    expect(marginBetween(one, other)).toBe(0.25);
    expect(marginBetween(other, one)).toBe(0.25);
  });

  it("is endless when a run does not tell the other one's token, or has ended", () => {
    expect(marginBetween(step('a', { a: -1 }), step('b', { a: -1, b: -2 }))).toBe(Number.POSITIVE_INFINITY);
    expect(marginBetween(step('a', { a: -1 }), undefined)).toBe(Number.POSITIVE_INFINITY);
  });
});
