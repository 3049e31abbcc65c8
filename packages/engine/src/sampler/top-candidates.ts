import { type Candidate, compareCandidates } from './sampling-row.js';

/** Keeps the best `capacity` candidates of all that are offered, best first. */
export class TopCandidates {
  readonly #capacity: number;
  readonly #best: Candidate[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** A candidate below this score cannot enter. */
  get floor(): number {
    return this.#best.length < this.#capacity ? Number.NEGATIVE_INFINITY : this.#best[this.#capacity - 1].score;
  }

  offer(candidate: Candidate): void {
    let low = 0;
    let high = this.#best.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareCandidates(this.#best[middle], candidate) < 0) low = middle + 1;
      else high = middle;
    }
    if (low >= this.#capacity) return;
    this.#best.splice(low, 0, candidate);
    if (this.#best.length > this.#capacity) this.#best.pop();
  }

  get list(): readonly Candidate[] {
    return this.#best;
  }
}

/** The best `capacity` of a row; `scoreOf` maps index to score. Scores of −∞ are left out. */
export function selectTop(
  numEntries: number,
  capacity: number,
  scoreOf: (i: number) => number,
  candidateOf: (i: number, score: number) => Candidate,
): readonly Candidate[] {
  const top = new TopCandidates(capacity);
  for (let i = 0; i < numEntries; i++) {
    const score = scoreOf(i);
    if (score > top.floor) top.offer(candidateOf(i, score));
  }
  return top.list;
}

/**
 * The best two of a row, with noise added where it is given: `selectTop` for the case that every step has. Scores of
 * −∞ are left out, ties go to the lowest index.
 */
export function selectTwo(
  scores: Float32Array,
  noise: ((i: number, floor: number) => number) | undefined,
  candidateOf: (i: number, score: number) => Candidate,
): readonly Candidate[] {
  let first = -1;
  let second = -1;
  let firstScore = Number.NEGATIVE_INFINITY;
  let secondScore = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    const score = noise ? scores[i] + noise(i, secondScore - scores[i]) : scores[i];
    if (score > firstScore) {
      second = first;
      secondScore = firstScore;
      first = i;
      firstScore = score;
    } else if (score > secondScore) {
      second = i;
      secondScore = score;
    }
  }
  const found = [candidateOf(first, firstScore), candidateOf(second, secondScore)];
  return found.filter(({ score }) => score > Number.NEGATIVE_INFINITY);
}
