/** A straight line through equally spaced samples. */
export interface Trend {
  /** How much the line rises from the first sample to the last. */
  readonly growth: number;
  /** Standard deviation of the samples from the line. */
  readonly noise: number;
}

/** The line of least squares through three samples or more. */
export function trendOf(samples: readonly number[]): Trend {
  const last = samples.length - 1;
  const middle = last / 2;
  const mean = sum(samples) / samples.length;
  const slope = sum(samples.map((y, x) => (x - middle) * (y - mean))) / sum(samples.map((_, x) => (x - middle) ** 2));
  const residuals = samples.map((y, x) => y - mean - slope * (x - middle));
  return { growth: slope * last, noise: Math.sqrt(sum(residuals.map((r) => r * r)) / (samples.length - 2)) };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
