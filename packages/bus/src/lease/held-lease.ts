import type { CandidacyState } from '../bus.js';
import type { LeaseHolder, LeaseStore } from './lease-store.js';

export interface HeldLeaseOptions {
  readonly holder: LeaseHolder;
  readonly ttlMs: number;
  /** A clock that never goes back and runs on while the process is stopped. */
  readonly now: () => number;
}

/**
 * What one candidate knows of a lease. It is taken to end `ttlMs` after the last successful request was *sent*, so
 * before it does in the store, however long the answer or this process took.
 */
export class HeldLease {
  readonly #holder: LeaseHolder;
  readonly #ttlMs: number;
  readonly #now: () => number;
  #revision: number | undefined;
  #endsAtMs = Number.NEGATIVE_INFINITY;
  #isRenewalFailing = false;

  constructor({ holder, ttlMs, now }: HeldLeaseOptions) {
    this.#holder = holder;
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  get state(): CandidacyState {
    if (this.remainingMs <= 0) return 'following';
    return this.#isRenewalFailing ? 'unsure' : 'leading';
  }

  /** Until the lease ends; 0 when it is not held. */
  get remainingMs(): number {
    return Math.max(0, this.#endsAtMs - this.#now());
  }

  /** Renews the lease, or takes it when it is free. Rejects when the store did not answer: the lease runs on then. */
  async hold(openStore: () => Promise<LeaseStore>): Promise<void> {
    const sentAtMs = this.#now();
    try {
      this.#revision = await this.#renewOrTake(await openStore());
    } catch (error) {
      this.#isRenewalFailing = true;
      throw error;
    }
    this.#isRenewalFailing = false;
    this.#endsAtMs = this.#revision === undefined ? Number.NEGATIVE_INFINITY : sentAtMs + this.#ttlMs;
  }

  /** Gives it up. The revision that is to be freed in the store; undefined when there is none. */
  resign(): number | undefined {
    const revision = this.#revision;
    this.#revision = undefined;
    this.#endsAtMs = Number.NEGATIVE_INFINITY;
    return revision;
  }

  async #renewOrTake(store: LeaseStore): Promise<number | undefined> {
    if (this.#revision !== undefined) {
      const renewed = await store.renew(this.#holder, this.#revision);
      if (renewed !== undefined) return renewed;
    }
    const current = await store.read();
    if (current === undefined) return store.create(this.#holder);
    // A renewal whose answer was lost has moved it on.
    const isOurs = current.holder.token === this.#holder.token;
    return isOurs ? store.renew(this.#holder, current.revision) : undefined;
  }
}
