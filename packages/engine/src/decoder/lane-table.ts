import {
  type AdmittedSequence,
  type Chunk,
  type DecoderDescription,
  type LaneId,
  type PageId,
  ServingError,
} from '@tessera/domain';
import { Lane } from './lane.js';

/** What a plan must keep to. */
export type LaneLimits = Pick<DecoderDescription, 'numLanes' | 'maxStepTokens' | 'maxContextLen' | 'kvLayout'>;

/** A chunk with its lane and the number of tokens that it computes. */
export interface BegunChunk {
  readonly chunk: Chunk;
  readonly lane: Lane;
  readonly numTokens: number;
}

/** The running sequences by lane. A plan that contradicts it is a bug of the scheduler and throws. */
export class LaneTable {
  readonly #lanes: (Lane | undefined)[];
  readonly #limits: LaneLimits;

  constructor(limits: LaneLimits) {
    this.#lanes = Array.from({ length: limits.numLanes });
    this.#limits = limits;
  }

  /** Releases all lanes. */
  clear(): void {
    this.#lanes.fill(undefined);
  }

  release(lane: LaneId): void {
    if (lane >= this.#lanes.length) throw planError(`there is no lane ${lane} of ${this.#lanes.length}`);
    this.#lanes[lane] = undefined;
  }

  admit(sequence: AdmittedSequence): void {
    if (sequence.lane >= this.#lanes.length || this.#lanes[sequence.lane]) {
      throw planError(`lane ${sequence.lane} of ${this.#lanes.length} is not free for ${sequence.sequenceId}`);
    }
    this.#assertPages(sequence.pages);
    this.#lanes[sequence.lane] = new Lane(sequence);
  }

  get(lane: LaneId): Lane {
    const found = this.#lanes[lane];
    if (!found) throw planError(`lane ${lane} holds no sequence`);
    return found;
  }

  /** Takes over the pages and tokens of a step's chunks. */
  begin(chunks: readonly Chunk[]): BegunChunk[] {
    const { maxStepTokens } = this.#limits;
    const numRows = chunks.reduce((sum, { input }) => sum + chunkLength(input), 0);
    if (numRows > maxStepTokens) throw planError(`${numRows} rows in a step of at most ${maxStepTokens}`);
    if (new Set(chunks.map(({ lane }) => lane)).size < chunks.length) throw planError('a lane has two chunks');
    return chunks.map((chunk) => this.#beginChunk(chunk));
  }

  #beginChunk(chunk: Chunk): BegunChunk {
    const { input, newPages } = chunk;
    const lane = this.get(chunk.lane);
    assertFits(lane, chunk);
    this.#assertPages(newPages);
    lane.pages.push(...newPages);
    if (input.kind === 'explicit') for (const tokenId of input.tokenIds) lane.append(tokenId);
    const numTokens = chunkLength(input);
    this.#assertEnd(lane, chunk, lane.numComputed + numTokens);
    return { chunk, lane, numTokens };
  }

  #assertEnd(lane: Lane, { lane: laneId, samples }: Chunk, end: number): void {
    const { maxContextLen, kvLayout } = this.#limits;
    if (samples && end < lane.numTokens)
      throw planError(`the chunk of lane ${laneId} samples at ${end} of ${lane.numTokens} tokens`);
    if (end > lane.pages.length * kvLayout.pageLen)
      throw planError(`lane ${laneId} lacks pages for its position ${end - 1}`);
    if (end > maxContextLen) throw planError(`lane ${laneId} reaches ${end} positions of at most ${maxContextLen}`);
  }

  /** A page beyond the pool would be another layer's memory. */
  #assertPages(pages: readonly PageId[]): void {
    const { numPages } = this.#limits.kvLayout;
    const stray = pages.find((page) => page < 0 || page >= numPages);
    if (stray !== undefined) throw planError(`there is no page ${stray} of ${numPages}`);
  }
}

/**
 * Known tokens are those that the sequence came with, decoding goes on from the one sampled last, and explicit tokens
 * follow a sequence that is computed to its end: they stand in the place of a sampled one, never behind it.
 */
function assertFits({ numTokens, numComputed, numKnownTokens }: Lane, { lane: laneId, input }: Chunk): void {
  const numKnownLeft = Math.max(0, numKnownTokens - numComputed);
  const numPending = numTokens - numComputed;
  const length = chunkLength(input);
  if (length < 1) throw planError(`the chunk of lane ${laneId} has no token`);
  if (input.kind === 'known' && length > numKnownLeft)
    throw planError(`lane ${laneId} has ${numKnownLeft} known tokens left, the chunk computes ${length}`);
  if (input.kind === 'lastSampled' && (numKnownLeft > 0 || numPending !== 1))
    throw planError(`lane ${laneId} sampled no token before, ${numPending} are to be computed`);
  if (input.kind === 'explicit' && numPending !== 0)
    throw planError(`lane ${laneId} has ${numPending} tokens before the given ones`);
}

function chunkLength(input: Chunk['input']): number {
  if (input.kind === 'known') return input.numTokens;
  return input.kind === 'explicit' ? input.tokenIds.length : 1;
}

function planError(problem: string): ServingError {
  return new ServingError('internal', `The step plan is inconsistent: ${problem}.`);
}
