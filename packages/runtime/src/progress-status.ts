import { formatDuration, formatQuantity, formatRate, type ProgressUnit } from './format-quantity.js';
import { RateMeter } from './rate-meter.js';

interface StatusOptions {
  readonly total: number;
  readonly unit?: ProgressUnit;
  readonly now?: () => number;
}

/** How far a piece of work is, in words. */
export class ProgressStatus {
  done = 0;
  readonly startMs: number;
  readonly nowMs: () => number;
  readonly #total: number;
  readonly #unit: ProgressUnit;
  readonly #meter: RateMeter;

  constructor({ total, unit = 'count', now = Date.now }: StatusOptions) {
    this.#total = total;
    this.#unit = unit;
    this.nowMs = now;
    this.startMs = now();
    this.#meter = new RateMeter(this.startMs);
  }

  advance(amount: number): void {
    this.done += amount;
    this.#meter.add(this.nowMs(), this.done);
  }

  percentage(): number {
    return this.#total === 0 ? 100 : Math.floor((this.done / this.#total) * 100);
  }

  /** `1.20 GB of 2.60 GB, 210 MB/s, 7 s left` */
  describe(): string {
    const amount = `${this.#format(this.done)} of ${this.#format(this.#total)}`;
    const perSecond = this.#meter.perSecond();
    if (!perSecond) return amount;
    const leftMs = ((this.#total - this.done) / perSecond) * 1000;
    return `${amount}, ${formatRate(perSecond, this.#unit)}, ${formatDuration(leftMs)} left`;
  }

  /** `2.60 GB in 12 s` */
  summarise(): string {
    return `${this.#format(this.#total)} in ${formatDuration(this.nowMs() - this.startMs)}`;
  }

  #format(value: number): string {
    return formatQuantity(value, this.#unit);
  }
}
