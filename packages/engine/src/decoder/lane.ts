import type { AdmittedSequence, PageId, SamplingParams, SequenceId, StagedVisual } from '@tessera/domain';

/** What a rank knows of a running sequence. */
export class Lane {
  readonly sequenceId: SequenceId;
  readonly sampling: SamplingParams;
  readonly visuals: readonly StagedVisual[];
  readonly numPromptTokens: number;
  readonly pages: PageId[];
  /** Occurrences of each id in the output, for the penalties. */
  readonly outputCounts = new Map<number, number>();
  /** Ids of the prompt, for the repetition penalty. */
  readonly promptIds: ReadonlySet<number>;
  readonly #admitted: AdmittedSequence;
  readonly #tokenIds: number[];
  #numComputed: number;

  constructor(admitted: AdmittedSequence) {
    this.#admitted = admitted;
    this.sequenceId = admitted.sequenceId;
    this.sampling = admitted.sampling;
    this.visuals = admitted.visuals;
    this.numPromptTokens = admitted.numPromptTokens;
    this.pages = [...admitted.pages];
    this.#numComputed = admitted.numCached;
    this.#tokenIds = Array.from(admitted.tokenIds);
    this.promptIds = new Set(this.#tokenIds.slice(0, this.numPromptTokens));
    for (const tokenId of this.#tokenIds.slice(this.numPromptTokens)) this.#count(tokenId);
  }

  get numTokens(): number {
    return this.#tokenIds.length;
  }

  /** Those it came with: the prompt and the tokens of earlier attempts. */
  get numKnownTokens(): number {
    return this.#admitted.tokenIds.length;
  }

  get numComputed(): number {
    return this.#numComputed;
  }

  get numOutputTokens(): number {
    return this.numTokens - this.numPromptTokens;
  }

  tokenAt(index: number): number {
    return this.#tokenIds[index];
  }

  /** M-RoPE ids (temporal, height, width) of the token at `index`. */
  positionAt(index: number): readonly [number, number, number] {
    const { temporal, height, width, next } = this.#admitted.positions;
    if (index < this.numPromptTokens) return [temporal[index], height[index], width[index]];
    const position = next + index - this.numPromptTokens;
    return [position, position, position];
  }

  /** Adds a token of the output: sampled, drafted or forced. */
  append(tokenId: number): void {
    this.#tokenIds.push(tokenId);
    this.#count(tokenId);
  }

  advance(numTokens: number): void {
    this.#numComputed += numTokens;
  }

  #count(tokenId: number): void {
    this.outputCounts.set(tokenId, (this.outputCounts.get(tokenId) ?? 0) + 1);
  }
}
