import type { Collective } from './collective.js';

/** Ranks of one process meet here: a call resolves when every rank has made it. */
export function createLocalCollectives(numRanks: number): Collective[] {
  const meeting = new Meeting(numRanks);
  return Array.from({ length: numRanks }, (_, rank) => ({
    rank,
    numRanks,
    allGather: <Value>(value: Value) => meeting.join(rank, value) as Promise<readonly Value[]>,
    allReduceSum: async (partial) => sumInOrder(await (meeting.join(rank, partial) as Promise<Float32Array[]>)),
  }));
}

function sumInOrder(partials: readonly Float32Array[]): Float32Array {
  const sum = Float32Array.from(partials[0]);
  for (const partial of partials.slice(1)) {
    for (let i = 0; i < sum.length; i++) sum[i] += partial[i];
  }
  return sum;
}

/** One round after the other; a rank cannot enter the next round before it left this one. */
class Meeting {
  readonly #numRanks: number;
  #values: unknown[] = [];
  #numJoined = 0;
  #waiting: ((values: unknown[]) => void)[] = [];

  constructor(numRanks: number) {
    this.#numRanks = numRanks;
  }

  join(rank: number, value: unknown): Promise<unknown[]> {
    this.#values[rank] = value;
    this.#numJoined++;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#numJoined === this.#numRanks) this.#finishRound();
    });
  }

  #finishRound(): void {
    const values = this.#values;
    const waiting = this.#waiting;
    this.#values = [];
    this.#waiting = [];
    this.#numJoined = 0;
    for (const resolve of waiting) resolve(values);
  }
}
