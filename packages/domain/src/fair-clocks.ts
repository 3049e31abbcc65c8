/**
 * Weighted fair queueing over tenants: one virtual clock a tenant, which advances by what it was served divided by its
 * weight; whoever is furthest behind goes first. A tenant that comes back from idleness starts where the busy ones are,
 * so that nobody saves up. One instance a pool (Parekh and Gallager 1993, with start times as in start-time fair
 * queueing).
 */
export class FairClocks {
  readonly #clocks = new Map<string, number>();
  /** Tenants with work. */
  readonly #active = new Set<string>();
  /** Tenants without work whose clocks are remembered, in the order in which they became idle. */
  readonly #idle = new Set<string>();
  readonly #weightOf: (tenant: string) => number;
  /** Clock of whoever was served last: where newcomers start. */
  #now = 0;

  constructor(weightOf: (tenant: string) => number = () => 1) {
    this.#weightOf = weightOf;
  }

  /** Clocks that are remembered. */
  get numTenants(): number {
    return this.#clocks.size;
  }

  /** A tenant has work again after it had none. */
  join(tenant: string): void {
    this.#set(tenant, Math.max(this.timeOf(tenant), this.#now));
    this.#idle.delete(tenant);
    this.#active.add(tenant);
  }

  /** A tenant has no work any more; it is forgotten as soon as the others have caught up with it. */
  leave(tenant: string): void {
    this.#active.delete(tenant);
    this.#idle.add(tenant);
  }

  /** Counts `cost` as served to a tenant. */
  charge(tenant: string, cost: number): void {
    const time = this.timeOf(tenant);
    this.#now = Math.max(this.#now, time);
    this.#set(tenant, time + cost / this.#weightOf(tenant));
    this.#forgetIdle();
  }

  /** Gives back what was charged and not served. */
  refund(tenant: string, cost: number): void {
    this.#set(tenant, this.timeOf(tenant) - cost / this.#weightOf(tenant));
  }

  timeOf(tenant: string): number {
    return this.#clocks.get(tenant) ?? this.#now;
  }

  #set(tenant: string, time: number): void {
    this.#clocks.set(tenant, time);
    if (!this.#active.has(tenant)) this.#idle.add(tenant);
  }

  /** Those that are behind would start at the same place again. */
  #forgetIdle(): void {
    for (const tenant of this.#idle) {
      if (this.timeOf(tenant) > this.#now) return;
      this.#idle.delete(tenant);
      this.#clocks.delete(tenant);
    }
  }
}
