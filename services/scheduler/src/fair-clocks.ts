/**
 * Weighted fair queueing over tenants: one virtual clock a tenant, which advances by what it was served divided by its
 * weight; whoever is furthest behind goes first. A tenant that comes back from idleness starts where the busy ones are,
 * so that nobody saves up. One instance a pool (Parekh and Gallager 1993, with start times as in start-time fair
 * queueing).
 */
export class FairClocks {
  readonly #clocks = new Map<string, number>();
  readonly #weightOf: (tenant: string) => number;
  /** Clock of whoever was served last: where newcomers start. */
  #now = 0;

  constructor(weightOf: (tenant: string) => number = () => 1) {
    this.#weightOf = weightOf;
  }

  /** A tenant has work again after it had none. */
  join(tenant: string): void {
    this.#clocks.set(tenant, Math.max(this.timeOf(tenant), this.#now));
  }

  /** Counts `cost` as served to a tenant. */
  charge(tenant: string, cost: number): void {
    const time = this.timeOf(tenant);
    this.#now = Math.max(this.#now, time);
    this.#clocks.set(tenant, time + cost / this.#weightOf(tenant));
  }

  /** Gives back what was charged and not served. */
  refund(tenant: string, cost: number): void {
    this.#clocks.set(tenant, this.timeOf(tenant) - cost / this.#weightOf(tenant));
  }

  timeOf(tenant: string): number {
    return this.#clocks.get(tenant) ?? this.#now;
  }

  /** Forgets a tenant without work whose clock is behind: it would start at the same place again. */
  forget(tenant: string): void {
    if (this.timeOf(tenant) <= this.#now) this.#clocks.delete(tenant);
  }
}
