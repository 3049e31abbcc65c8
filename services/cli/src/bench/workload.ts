/** What a measurement runs. */
export interface Workload {
  readonly numThreads: number;
  readonly kvDtype: 'float32' | 'int8';
  /** Positions before each decoded token. */
  readonly contextLen: number;
  readonly prefillLens: readonly number[];
  readonly batchSizes: readonly number[];
  /** Sides of square pictures in pixels. */
  readonly imageSides: readonly number[];
  /** Measured runs of each figure, after one that is not. */
  readonly numRuns: number;
}
