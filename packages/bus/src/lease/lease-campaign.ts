import { ServingError } from '@tessera/domain';
import type { Candidacy, CandidacyState } from '../bus.js';
import { LatestValue } from '../latest-value.js';
import { pause } from '../pause.js';
import { HeldLease } from './held-lease.js';
import type { LeaseHolder, LeaseStore } from './lease-store.js';

export interface LeaseCampaignOptions {
  readonly holder: LeaseHolder;
  readonly ttlMs: number;
  /** Called before each attempt, so that a store which lost everything is set up again. */
  readonly openStore: () => Promise<LeaseStore>;
  readonly signal: AbortSignal;
  /** Hears of the first of several failed attempts. */
  readonly onFailedAttempt: (error: unknown) => void;
}

/** A candidate's run for a lease: asks for it three times in its length, more often while the store does not answer. */
export class LeaseCampaign implements Candidacy {
  readonly #options: LeaseCampaignOptions;
  readonly #lease: HeldLease;
  readonly #latest = new LatestValue<CandidacyState>('following');
  #leaseEnd: NodeJS.Timeout | undefined;
  #wasAnswered = true;
  #failure: ServingError | undefined;
  /** Resolves when the signal has ended the campaign and the lease is free, or the store did not say so in time. */
  readonly ended: Promise<void>;

  constructor(options: LeaseCampaignOptions) {
    this.#options = options;
    this.#lease = new HeldLease({ ...options, now: () => performance.now() });
    this.ended = this.#run();
  }

  get state(): CandidacyState {
    return this.#options.signal.aborted ? 'following' : this.#lease.state;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CandidacyState, void> {
    let last: CandidacyState | undefined;
    for await (const _ of this.#latest.read(this.#options.signal)) {
      const { state } = this;
      if (state !== last) yield state;
      last = state;
    }
    if (this.#failure) throw this.#failure;
  }

  async #run(): Promise<void> {
    const { ttlMs, signal } = this.#options;
    while (!signal.aborted && this.#failure === undefined) {
      await this.#attempt();
      this.#tell();
      await pause(this.#wasAnswered ? ttlMs / 3 : ttlMs / 20, signal);
    }
    await this.#resign();
    this.#tell();
    this.#latest.close();
  }

  async #attempt(): Promise<void> {
    try {
      await this.#lease.hold(this.#options.openStore);
      this.#wasAnswered = true;
    } catch (error) {
      if (error instanceof ServingError) this.#failure = error;
      else if (this.#wasAnswered) this.#options.onFailedAttempt(error);
      this.#wasAnswered = false;
    }
  }

  /** Tells the state, and does so again at the end of the lease. */
  #tell(): void {
    clearTimeout(this.#leaseEnd);
    this.#latest.set(this.state);
    const { remainingMs } = this.#lease;
    if (remainingMs > 0) this.#leaseEnd = setTimeout(() => this.#tell(), remainingMs);
  }

  async #resign(): Promise<void> {
    const revision = this.#lease.resign();
    if (revision === undefined) return;
    try {
      const store = await this.#options.openStore();
      await store.free(revision);
    } catch {
      // The store does not answer; the lease ends by itself.
    }
  }
}
