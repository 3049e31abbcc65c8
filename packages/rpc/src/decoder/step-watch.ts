import type { StepPlan } from '@tessera/domain';
import { type StepPatience, StepPrediction } from './step-prediction.js';

/** A step that some ranks have not answered. */
export interface WatchedStep {
  readonly plan: StepPlan;
  readonly silentRanks: Set<number>;
}

/** Steps run one after the other: watches the oldest that runs, and learns from each how long the next may take. */
export class StepWatch {
  readonly #prediction: StepPrediction;
  readonly #onSilence: (step: WatchedStep, limitMs: number) => void;
  readonly #running: WatchedStep[] = [];
  #oldestSinceMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(patience: StepPatience, onSilence: (step: WatchedStep, limitMs: number) => void) {
    this.#prediction = new StepPrediction(patience);
    this.#onSilence = onSilence;
  }

  begin(plan: StepPlan, numRanks: number): WatchedStep {
    const step = { plan, silentRanks: new Set(Array.from({ length: numRanks }, (_, rank) => rank)) };
    if (this.#running.push(step) === 1) this.#watchOldest();
    return step;
  }

  /** `isDone`: it ran to its end, and its duration says something of the next. */
  end(step: WatchedStep, isDone: boolean): void {
    const index = this.#running.indexOf(step);
    if (index === 0 && isDone) this.#prediction.observe(step.plan, performance.now() - this.#oldestSinceMs);
    this.#running.splice(index, 1);
    if (index === 0) this.#watchOldest();
  }

  #watchOldest(): void {
    clearTimeout(this.#timer);
    this.#oldestSinceMs = performance.now();
    const [oldest] = this.#running;
    if (!oldest) return;
    const limitMs = this.#prediction.limitMs(oldest.plan);
    this.#timer = setTimeout(() => this.#onSilence(oldest, limitMs), limitMs);
  }
}
