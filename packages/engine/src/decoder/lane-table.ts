import { type AdmittedSequence, type Chunk, type LaneId, type PageId, ServingError } from '@tessera/domain';
import { Lane } from './lane.js';

/** The running sequences by lane. A plan that contradicts it is a bug of the scheduler and throws. */
export class LaneTable {
  readonly #lanes: (Lane | undefined)[];
  readonly #numPages: number;

  constructor(numLanes: number, numPages: number) {
    this.#lanes = Array.from({ length: numLanes });
    this.#numPages = numPages;
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

  /** Takes over a chunk's pages and tokens, and returns how many tokens it computes. */
  begin({ lane: laneId, input, newPages }: Chunk, pageLen: number): number {
    const lane = this.get(laneId);
    assertFits(lane, laneId, input);
    this.#assertPages(newPages);
    lane.pages.push(...newPages);
    if (input.kind === 'explicit') for (const tokenId of input.tokenIds) lane.append(tokenId);
    const numTokens = chunkLength(input);
    const end = lane.numComputed + numTokens;
    if (end > lane.numTokens) throw planError(`lane ${laneId} has ${lane.numTokens} tokens, the chunk ends at ${end}`);
    if (end > lane.pages.length * pageLen) throw planError(`lane ${laneId} lacks pages for its position ${end - 1}`);
    return numTokens;
  }

  /** A page beyond the pool would be another layer's memory. */
  #assertPages(pages: readonly PageId[]): void {
    const stray = pages.find((page) => page < 0 || page >= this.#numPages);
    if (stray !== undefined) throw planError(`there is no page ${stray} of ${this.#numPages}`);
  }
}

/** Decoding goes on from the last token, explicit tokens follow a sequence that is computed to its end. */
function assertFits(lane: Lane, laneId: LaneId, input: Chunk['input']): void {
  const numPending = lane.numTokens - lane.numComputed;
  if (chunkLength(input) < 1) throw planError(`the chunk of lane ${laneId} has no token`);
  if (input.kind === 'lastSampled' && numPending !== 1)
    throw planError(`lane ${laneId} has ${numPending} tokens to compute`);
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
