const windowMs = 5_000;

/** Speed of something that advances, over the last five seconds or so. */
export class RateMeter {
  readonly #samples: { atMs: number; value: number }[];

  constructor(startMs: number) {
    this.#samples = [{ atMs: startMs, value: 0 }];
  }

  /** `value` is what is done in all; never less than before. */
  add(atMs: number, value: number): void {
    this.#samples.push({ atMs, value });
    while (this.#samples.length > 2 && atMs - this.#samples[1]!.atMs >= windowMs) this.#samples.shift();
  }

  /** Undefined before any time has passed. */
  perSecond(): number | undefined {
    const [oldest, latest] = [this.#samples[0]!, this.#samples.at(-1)!];
    const elapsedMs = latest.atMs - oldest.atMs;
    return elapsedMs > 0 ? ((latest.value - oldest.value) / elapsedMs) * 1000 : undefined;
  }
}
