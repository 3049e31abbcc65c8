import type { StepTimes } from '@tessera/domain';
import type { GraphRun } from '@tessera/engine';

/** What a step measures of itself; the time in graphs comes from their runs. */
export type StepSpans = Omit<StepTimes, 'matmulMs'>;

/** A step, or a call of the tower; an encode has no parts of its own but graphs. */
export interface TimedStep {
  /** When it began, on the clock of `performance.now()`. */
  readonly startMs: number;
  readonly spent: StepSpans;
}

/** A step with the graphs that ran in it. */
export interface RecordedStep extends TimedStep {
  /** In order, disjoint. */
  readonly runs: readonly GraphRun[];
}

/** One kind of step: its median with profiling and without, in the same process and sessions. */
export interface PhaseProfile {
  /** Such as `decode, B = 8, context 1024`. */
  readonly title: string;
  /** Steps measured, each way. */
  readonly numSteps: number;
  readonly profiled: RecordedStep;
  /** Its runs have no nodes. */
  readonly unprofiled: RecordedStep;
}
