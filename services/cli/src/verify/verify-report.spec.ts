import { beforeEach, describe, expect, it } from 'vitest';
import { formatReport } from './format-report.js';
import { hasPassed, largestDifference, VerifyReport } from './verify-report.js';

let report: VerifyReport;
beforeEach(() => {
  report = new VerifyReport();
});

describe('a report', () => {
  it('sums up rungs in ladder order with their largest error', () => {
    report.close('7 logits_last', 'b', [1, 2], [1, 2.25], 0.5);
    report.close('7 logits_last', 'a', [1, 2], [1.125, 2], 0.5);
    report.equal('4 prompt', 'a', 'text', 'text');
    expect(report.rungs).toEqual([
      { rung: '4 prompt', numPassed: 1, numFailed: 0, largestError: 0, tolerance: 0 },
      { rung: '7 logits_last', numPassed: 2, numFailed: 0, largestError: 0.25, tolerance: 0.5 },
    ]);
  });

  it('shows where integers or texts begin to differ', () => {
    expect(report.equal('4 input_ids', 'a', [1, 2, 3], [1, 5, 3])).toBe(false);
    expect(report.failures).toMatchObject([{ subject: 'a', detail: '…[1,2,3]… instead of …[1,5,3]…' }]);
  });

  it('keeps what was thrown as a failure of its rung', async () => {
    await report.attempt('4 prompt', 'a', () => Promise.reject(new Error('no such picture')));
    expect(report.failures).toMatchObject([{ rung: '4 prompt', subject: 'a', detail: 'no such picture' }]);
  });

  it('fails an error above the tolerance, not one that equals it', () => {
    expect([0.5, 0.75].map((error) => hasPassed({ rung: '', subject: '', error, tolerance: 0.5 }))).toEqual([
      true,
      false,
    ]);
  });
});

describe('largestDifference', () => {
  it('is infinite for other lengths and for what is no number', () => {
    expect(largestDifference([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
    expect(largestDifference([Number.NaN], [1])).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('formatReport', () => {
  const lastLine = (): string => formatReport(report, 1.25).split('\n').at(-1)!;

  it('ends with the counts', () => {
    report.equal('4 prompt', 'a', 1, 1);
    report.equal('4 prompt', 'b', 1, 2);
    expect(lastLine()).toBe('verify: 1 passed, 1 failed in 1.3 s');
  });

  it('counts apart what is not applicable, and says why', () => {
    report.equal('4 prompt', 'a', 1, 1);
    report.notApplicable.push({ subject: 'tiny, tp 3', reason: '4 heads' });
    expect(lastLine()).toBe('verify: 1 passed, 0 failed, 1 not applicable in 1.3 s');
    expect(formatReport(report, 1)).toContain('not applicable: tiny, tp 3: 4 heads');
  });

  it('has remarks before the counts', () => {
    report.equal('4 prompt', 'a', 1, 1);
    expect(formatReport(report, 1, ['nothing differs']).split('\n').slice(-4)).toEqual([
      '',
      'nothing differs',
      '',
      'verify: 1 passed, 0 failed in 1.0 s',
    ]);
  });

  it('names every failure up to twenty and the number of the others', () => {
    for (let i = 0; i < 25; i++) report.close('5 pixel_values', `case ${i}`, [1], [2], 1e-6);
    const text = formatReport(report, 1);
    expect(text).toContain('FAILED 5 pixel_values: case 19: error 1.00e+0 above 0.000001');
    expect(text).not.toContain('case 20:');
    expect(text).toContain('… and 5 more');
  });
});
