import type { StepPlan } from '@tessera/domain';

/** How long a rank may take for a step before it counts as lost. */
export interface StepPatience {
  /** Times the predicted duration … */
  readonly factor: number;
  /** … and as much more. */
  readonly floorMs: number;
}

/** Ten steps ago counts a third. */
const weight = 0.1;

/** What a row takes on a slow machine; only until a step has been seen. */
const unseenRowMs = 100;

/** Learns how long the rows of a step take; an exponential average over past steps. */
export class StepPrediction {
  readonly #patience: StepPatience;
  #rowMs: number | undefined;

  constructor(patience: StepPatience) {
    this.#patience = patience;
  }

  limitMs(plan: StepPlan): number {
    const { factor, floorMs } = this.#patience;
    return numRowsOf(plan) * (this.#rowMs ?? unseenRowMs) * factor + floorMs;
  }

  observe(plan: StepPlan, durationMs: number): void {
    const numRows = numRowsOf(plan);
    if (numRows === 0) return;
    const rowMs = durationMs / numRows;
    this.#rowMs = this.#rowMs === undefined ? rowMs : this.#rowMs + weight * (rowMs - this.#rowMs);
  }
}

function numRowsOf({ chunks }: StepPlan): number {
  return chunks.reduce((sum, { input }) => {
    if (input.kind === 'known') return sum + input.numTokens;
    return sum + (input.kind === 'explicit' ? input.tokenIds.length : 1);
  }, 0);
}
