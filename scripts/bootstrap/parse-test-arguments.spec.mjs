import { describe, expect, it } from 'vitest';
import { parseTestArguments } from './parse-test-arguments.mjs';

describe('parseTestArguments', () => {
  it('runs all suites at smoke size by default', () => {
    expect(parseTestArguments([])).toEqual({ size: 'smoke', filters: [] });
  });

  it('takes --full anywhere among the filters', () => {
    expect(parseTestArguments(['gateway', '--full', 'kv'])).toEqual({ size: 'full', filters: ['gateway', 'kv'] });
  });

  it('refuses an option that it does not know', () => {
    expect(() => parseTestArguments(['--fast'])).toThrow('Unknown option "--fast"');
  });
});
