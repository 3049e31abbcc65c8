import type { Collective } from './collective.js';

/** Ranks of one process, and what ends a round that one of them will never enter. */
export interface LocalGroup {
  readonly collectives: readonly Collective[];
  /** Rejects every call in flight and every further one, until `reset`. */
  fail(error: unknown): void;
  /** Forgets the round; all calls must have settled. */
  reset(): void;
}

/** A group whose ranks meet in this thread: a call resolves when every rank has made it. */
export function createLocalGroup(numRanks: number): LocalGroup {
  const meeting = new Meeting(numRanks);
  const collectives = Array.from({ length: numRanks }, (_, rank) => ({
    rank,
    numRanks,
    allGather: <Value>(value: Value) => meeting.join(rank, value) as Promise<readonly Value[]>,
    allReduceSum: async (partial: Float32Array) =>
      sumInOrder(await (meeting.join(rank, partial) as Promise<Float32Array[]>)),
  }));
  return { collectives, fail: (error) => meeting.fail(error), reset: () => meeting.reset() };
}

function sumInOrder(partials: readonly Float32Array[]): Float32Array {
  const sum = Float32Array.from(partials[0]);
  for (const partial of partials.slice(1)) {
    for (let i = 0; i < sum.length; i++) sum[i] += partial[i];
  }
  return sum;
}

interface Guest {
  readonly resolve: (values: unknown[]) => void;
  readonly reject: (error: unknown) => void;
}

/** One round after the other; a rank cannot enter the next round before it left this one. */
class Meeting {
  readonly #numRanks: number;
  #values: unknown[] = [];
  #guests: Guest[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(numRanks: number) {
    this.#numRanks = numRanks;
  }

  join(rank: number, value: unknown): Promise<unknown[]> {
    if (this.#failure) return Promise.reject(this.#failure.error);
    this.#values[rank] = value;
    return new Promise((resolve, reject) => {
      this.#guests.push({ resolve, reject });
      if (this.#guests.length === this.#numRanks) this.#finishRound();
    });
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { reject } of this.#guests) reject(error);
    this.#guests = [];
  }

  reset(): void {
    this.#failure = undefined;
    this.#guests = [];
    this.#values = [];
  }

  #finishRound(): void {
    const values = this.#values;
    const guests = this.#guests;
    this.#values = [];
    this.#guests = [];
    for (const { resolve } of guests) resolve(values);
  }
}
