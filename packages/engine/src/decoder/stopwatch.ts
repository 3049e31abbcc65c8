import type { StepTimes } from '@tessera/domain';

type Part = Exclude<keyof StepTimes, 'totalMs'>;

/** Adds up where a step's time goes. */
export class Stopwatch {
  readonly #startMs = performance.now();
  readonly #spent: Record<Part, number> = { matmulMs: 0, attentionMs: 0, allReduceMs: 0, samplingMs: 0 };

  async time<Result>(part: Part, work: () => Promise<Result>): Promise<Result> {
    const startMs = performance.now();
    try {
      return await work();
    } finally {
      this.#spent[part] += performance.now() - startMs;
    }
  }

  get times(): StepTimes {
    return { totalMs: performance.now() - this.#startMs, ...this.#spent };
  }
}
