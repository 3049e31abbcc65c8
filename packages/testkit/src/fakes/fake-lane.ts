import type { AdmittedSequence, Chunk, PageId, StagedVisual } from '@tessera/domain';

/** A running sequence as the fake rank knows it. */
export class FakeLane {
  readonly admitted: AdmittedSequence;
  readonly tokenIds: number[];
  readonly pages: PageId[];
  numComputed: number;

  constructor(admitted: AdmittedSequence) {
    this.admitted = admitted;
    this.tokenIds = [...admitted.tokenIds];
    this.pages = [...admitted.pages];
    this.numComputed = admitted.numCached;
  }

  clone(): FakeLane {
    const copy = new FakeLane(this.admitted);
    copy.tokenIds.splice(0, copy.tokenIds.length, ...this.tokenIds);
    copy.pages.splice(0, copy.pages.length, ...this.pages);
    copy.numComputed = this.numComputed;
    return copy;
  }

  get numOutputTokens(): number {
    return this.tokenIds.length - this.admitted.numPromptTokens;
  }

  positionAt(index: number): readonly [number, number, number] {
    const { positions, numPromptTokens } = this.admitted;
    const { temporal, height, width, next } = positions;
    if (index < numPromptTokens) return [temporal[index], height[index], width[index]];
    const position = next + index - numPromptTokens;
    return [position, position, position];
  }

  visualAt(index: number): StagedVisual | undefined {
    return this.admitted.visuals.find(({ offset, length }) => index >= offset && index < offset + length);
  }

  /** Takes over a chunk's tokens and pages; returns what is wrong with the chunk, if anything. */
  begin({ input, newPages, samples }: Chunk, pageLen: number): string | undefined {
    const numUncomputed = this.tokenIds.length - this.numComputed;
    const numKnownLeft = this.admitted.tokenIds.length - this.numComputed;
    const numTokens = chunkLen(input);
    this.pages.push(...newPages);
    if (numTokens < 1) return 'computes no token';
    if (input.kind === 'known' && numTokens > numKnownLeft) return `computes ${numTokens} of ${numKnownLeft} tokens`;
    if (input.kind === 'lastSampled' && (numKnownLeft > 0 || numUncomputed !== 1)) return 'sampled no token before';
    if (input.kind === 'explicit' && numUncomputed > 0) return `leaves ${numUncomputed} tokens before the given ones`;
    if (input.kind === 'explicit') this.tokenIds.push(...input.tokenIds);
    const end = this.numComputed + numTokens;
    if (samples && end < this.tokenIds.length) return `samples at ${end} of ${this.tokenIds.length} tokens`;
    if (end > this.pages.length * pageLen) return `has ${this.pages.length} pages for ${end} positions`;
    return undefined;
  }
}

export function chunkLen(input: Chunk['input']): number {
  if (input.kind === 'known') return input.numTokens;
  return input.kind === 'explicit' ? input.tokenIds.length : 1;
}
