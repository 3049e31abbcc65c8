import type { CandidacyState } from '../bus.js';
import { LatestValue } from '../latest-value.js';

export interface MemoryCandidate {
  readonly candidate: string;
  readonly state: LatestValue<CandidacyState>;
}

/** A lease among the buses of one process, none of which can stop alone: it needs no clock. */
export class MemoryLease {
  /** The first one leads. */
  readonly #candidates: MemoryCandidate[] = [];

  get leader(): string | undefined {
    return this.#candidates[0]?.candidate;
  }

  join(candidate: string): MemoryCandidate {
    const joined = { candidate, state: new LatestValue<CandidacyState>('following') };
    this.#candidates.push(joined);
    this.#lead();
    return joined;
  }

  leave(leaving: MemoryCandidate): void {
    const index = this.#candidates.indexOf(leaving);
    if (index === -1) return;
    this.#candidates.splice(index, 1);
    leaving.state.set('following');
    leaving.state.close();
    this.#lead();
  }

  #lead(): void {
    this.#candidates[0]?.state.set('leading');
  }
}
