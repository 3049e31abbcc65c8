import { expect, test } from 'vitest';
import { assertContextLen } from './assert-context-len.js';

test('a context longer than what the decoder takes is refused', () => {
  const refused = { reason: 'invalid_option', facts: { limit: 100, given: 101 } };
  expect(() => assertContextLen(101, 100)).toThrow(expect.objectContaining(refused));
});

test('a context that fits, or none, is taken', () => {
  for (const asked of [100, undefined]) expect(() => assertContextLen(asked, 100)).not.toThrow();
});
