import { describe, expect, test } from 'vitest';
import { pagesFor } from './kv-layout.js';

describe('pagesFor', () => {
  for (const [numTokens, numPages] of [
    [0, 0],
    [1, 1],
    [15, 1],
    [16, 1],
    [17, 2],
    [32, 2],
    [33, 3],
  ] as const) {
    test(`needs ${numPages} pages of 16 for ${numTokens} tokens`, () => {
      expect(pagesFor(numTokens, 16)).toBe(numPages);
    });
  }
});
