import { expect } from 'vitest';
import type { DrivenOutput } from './engine-driver.js';

/** Distance that two runs' logits may have where an engine does not promise equal bits. */
const logitTolerance = 1e-3;

/**
 * Expects one sequence run in two ways to have come out the same: bit for bit where the engine is row-invariant,
 * otherwise close, with equal tokens up to the first whose margin the tolerance could turn (architecture §3.5).
 */
export function expectSameOutput(
  actual: DrivenOutput,
  expected: DrivenOutput,
  isRowInvariant: boolean,
  what = 'run',
): void {
  expect(actual.tokens.length, what).toBe(expected.tokens.length);
  for (const [i, token] of expected.tokens.entries()) {
    const worst = distance(actual.logits[i], expected.logits[i]);
    expect(worst, `${what}, logits of token ${i}`).toBeLessThanOrEqual(isRowInvariant ? 0 : logitTolerance);
    if (!isRowInvariant && (token.decisionMargin ?? 0) < 2 * logitTolerance) return;
    expect(actual.tokens[i].tokenId, `${what}, token ${i}`).toBe(token.tokenId);
  }
}

/** Largest difference of two rows. */
export function distance(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((worst, value, i) => {
    const difference = Math.abs(value - b[i]);
    return difference <= worst ? worst : difference;
  }, 0);
}
