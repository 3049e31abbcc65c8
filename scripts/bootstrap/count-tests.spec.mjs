import { describe, expect, it } from 'vitest';
import { addCounts, countTests, formatCounts, parseCounts } from './count-tests.mjs';

const file = (status, ...tests) => ({ status, assertionResults: tests.map((test) => ({ status: test })) });
const report = (...testResults) => ({ testResults });

describe('countTests', () => {
  const cases = [
    ['passed tests of all files', report(file('passed', 'passed', 'passed'), file('passed', 'passed')), 0, [3, 0]],
    ['failed tests beside passed ones', report(file('failed', 'passed', 'failed')), 1, [1, 1]],
    ['a skipped test as failed', report(file('passed', 'passed', 'skipped')), 0, [1, 1]],
    ['a todo test as failed', report(file('passed', 'todo')), 0, [0, 1]],
    ['a pending test as failed', report(file('passed', 'pending')), 0, [0, 1]],
    ['a file that could not be loaded as one failure', report(file('failed'), file('passed', 'passed')), 1, [1, 1]],
    ['a failed hook beside passed tests as one failure', report(file('failed', 'passed')), 1, [1, 1]],
    ['an unhandled error that no test explains as one failure', report(file('passed', 'passed')), 1, [1, 1]],
    ['a runner that wrote no report as one failure', undefined, 0, [0, 1]],
    ['no tests as nothing', report(), 0, [0, 0]],
  ];
  for (const [title, input, exitCode, [numPassed, numFailed]] of cases) {
    it(`counts ${title}`, () => expect(countTests(input, exitCode)).toEqual({ numPassed, numFailed }));
  }
});

describe('the closing line', () => {
  it('is found again after it was printed', () => {
    const counts = addCounts({ numPassed: 40, numFailed: 1 }, { numPassed: 2, numFailed: 0 });
    expect(formatCounts(counts)).toBe('42 passed, 1 failed');
    expect(parseCounts(`noise\n${formatCounts(counts)}\n`)).toEqual(counts);
  });

  it('is the last of its kind', () => {
    expect(parseCounts('1 passed, 0 failed\nverify: 9 passed, 2 failed')).toEqual({ numPassed: 9, numFailed: 2 });
  });

  it('is missed when there is none', () => expect(parseCounts('killed')).toBeUndefined());
});
