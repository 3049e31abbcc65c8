import { describe, expect, test } from 'vitest';
import { FairClocks } from './fair-clocks.js';

describe('FairClocks', () => {
  test('advance by what was served, divided by the weight', () => {
    const clocks = new FairClocks((tenant) => (tenant === 'big' ? 4 : 1));
    for (const tenant of ['big', 'small']) clocks.join(tenant);
    for (const tenant of ['big', 'small']) clocks.charge(tenant, 8);
    expect([clocks.timeOf('big'), clocks.timeOf('small')]).toEqual([2, 8]);
  });

  test('let whoever comes back start where the busy ones are, not where it left', () => {
    const clocks = new FairClocks();
    for (const tenant of ['a', 'b']) clocks.join(tenant);
    clocks.charge('b', 1);
    clocks.leave('b');
    for (let i = 0; i < 5; i++) clocks.charge('a', 10);
    clocks.join('b');
    expect([clocks.timeOf('a'), clocks.timeOf('b')]).toEqual([50, 40]);
  });

  test('let nobody get ahead by leaving and coming back', () => {
    const clocks = new FairClocks();
    for (const tenant of ['a', 'b']) clocks.join(tenant);
    clocks.charge('a', 100);
    clocks.leave('a');
    clocks.charge('b', 10);
    clocks.join('a');
    expect(clocks.timeOf('a')).toBe(100);
  });

  test('give back what was charged and not served', () => {
    const clocks = new FairClocks();
    clocks.join('a');
    clocks.charge('a', 10);
    clocks.refund('a', 4);
    expect(clocks.timeOf('a')).toBe(6);
  });

  test('remember no tenant without work that the others have caught up with', () => {
    const clocks = new FairClocks();
    clocks.join('busy');
    for (let i = 0; i < 1000; i++) {
      clocks.join(`once-${i}`);
      clocks.leave(`once-${i}`);
      clocks.charge(`once-${i}`, 1);
      clocks.charge('busy', 1);
    }
    expect(clocks.numTenants).toBeLessThan(5);
  });
});
