/** One comparison with the reference. */
export interface Check {
  /** Rung of the parity ladder, such as `5 pixel_values`. */
  readonly rung: string;
  readonly subject: string;
  /** Largest absolute difference; 0 for equal integers and texts, Infinity for unequal ones. */
  readonly error: number;
  readonly tolerance: number;
  /** What differs, where a number does not say it. */
  readonly detail?: string;
}

/** What was asked for and cannot be done with this checkpoint by its nature. */
export interface NotApplicable {
  readonly subject: string;
  readonly reason: string;
}

export interface RungSummary {
  readonly rung: string;
  readonly numPassed: number;
  readonly numFailed: number;
  readonly largestError: number;
  readonly tolerance: number;
}

export const hasPassed = ({ error, tolerance }: Check): boolean => error <= tolerance;

/** Collects checks and sums them up by rung. */
export class VerifyReport {
  readonly checks: Check[] = [];
  readonly notApplicable: NotApplicable[] = [];

  /** Whether they are equal as JSON. */
  equal(rung: string, subject: string, actual: unknown, expected: unknown): boolean {
    const [given, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
    const detail = given === wanted ? undefined : firstDifference(given ?? 'nothing', wanted ?? 'nothing');
    this.checks.push({ rung, subject, error: detail ? Number.POSITIVE_INFINITY : 0, tolerance: 0, detail });
    return detail === undefined;
  }

  close(
    rung: string,
    subject: string,
    actual: ArrayLike<number>,
    expected: ArrayLike<number>,
    tolerance: number,
  ): void {
    const error = largestDifference(actual, expected);
    const detail = actual.length === expected.length ? undefined : `${actual.length} values, not ${expected.length}`;
    this.checks.push({ rung, subject, error, tolerance, detail });
  }

  /** What could not be compared because the product refused or broke. */
  broken(rung: string, subject: string, error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error);
    this.checks.push({ rung, subject, error: Number.POSITIVE_INFINITY, tolerance: 0, detail });
  }

  /** Runs checks of which some may throw; what was thrown is a failure of `rung`. */
  async attempt(rung: string, subject: string, check: () => Promise<void>): Promise<void> {
    try {
      await check();
    } catch (error) {
      this.broken(rung, subject, error);
    }
  }

  get failures(): Check[] {
    return this.checks.filter((check) => !hasPassed(check));
  }

  /** In ladder order. */
  get rungs(): RungSummary[] {
    const names = [...new Set(this.checks.map(({ rung }) => rung))].sort();
    return names.map((rung) => {
      const checks = this.checks.filter((check) => check.rung === rung);
      const numPassed = checks.filter(hasPassed).length;
      return {
        rung,
        numPassed,
        numFailed: checks.length - numPassed,
        largestError: Math.max(...checks.map(({ error }) => error)),
        tolerance: Math.max(...checks.map(({ tolerance }) => tolerance)),
      };
    });
  }
}

/** Infinity when lengths differ or a value is no number. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    if (difference > largest) largest = difference;
  }
  return largest;
}

function firstDifference(actual: string, expected: string): string {
  let i = 0;
  while (i < expected.length && actual[i] === expected[i]) i++;
  const around = (text: string): string => text.slice(Math.max(0, i - 20), i + 40);
  return `…${around(actual)}… instead of …${around(expected)}…`;
}
