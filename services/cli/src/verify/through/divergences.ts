import type { VerifyReport } from '../verify-report.js';
import type { ServedStep } from './served-answer.js';

/** Where a run took another token than the one it is compared with. */
export interface Divergence {
  readonly subject: string;
  /** Counts from 0. */
  readonly step: number;
  /** In units of a logit: at most by so much was the token decided. */
  readonly margin: number;
}

/** A decision closer than this may fall either way: twice the tolerance of a logit (architecture §3.5). */
export const explainedMargin = 4e-4;

/** Compares token sequences up to the first step that may rightly differ, and counts where they do. */
export class Divergences {
  readonly explained: Divergence[] = [];
  readonly unexplained: Divergence[] = [];

  /** Returns the number of leading steps that agree. */
  compare(
    tokens: { readonly actual: readonly string[]; readonly expected: readonly string[] },
    marginAt: (step: number) => number,
    { rung, subject }: { readonly rung: string; readonly subject: string },
    report: VerifyReport,
  ): number {
    const { actual, expected } = tokens;
    const step = firstDifference(actual, expected);
    if (step === undefined) {
      report.equal(rung, subject, actual, expected);
      return expected.length;
    }
    const divergence = { subject, step, margin: marginAt(step) };
    const isExplained = divergence.margin < explainedMargin;
    (isExplained ? this.explained : this.unexplained).push(divergence);
    const compared = isExplained ? step : undefined;
    report.equal(rung, subject, actual.slice(0, compared), expected.slice(0, compared));
    return step;
  }

  /** The counts, after a line for each divergence that is explained; the others are failures. */
  format(): string[] {
    const lines = this.explained.map(
      ({ subject, step, margin }) => `explained: ${subject}: step ${step} was decided by ${margin.toExponential(1)}`,
    );
    const counts = `${this.explained.length} explained by a margin below ${explainedMargin}, ${this.unexplained.length} unexplained`;
    return [...lines, `divergences: ${counts}`];
  }
}

/**
 * Most by which two runs can have decided for different tokens under the same noise. Each preferred its own, so by how
 * much they did, taken together, is by how much the lead of one token over the other moved between the runs. Infinity
 * when a run does not tell the probability of the other one's token.
 */
export function marginBetween(one: ServedStep | undefined, other: ServedStep | undefined): number {
  const leadIn = (step: ServedStep, a: ServedStep, b: ServedStep) => logprobIn(step, a) - logprobIn(step, b);
  if (!one || !other) return Number.POSITIVE_INFINITY;
  const margin = Math.abs(leadIn(one, one, other) - leadIn(other, one, other));
  return Number.isNaN(margin) ? Number.POSITIVE_INFINITY : margin;
}

/** NaN when it is not among the most probable. */
function logprobIn({ top }: ServedStep, { token }: ServedStep): number {
  return top.find(([key]) => key === token)?.[1] ?? Number.NaN;
}

function firstDifference(actual: readonly string[], expected: readonly string[]): number | undefined {
  const numSteps = Math.max(actual.length, expected.length);
  return Array.from({ length: numSteps }, (_, step) => step).find((step) => actual[step] !== expected[step]);
}
