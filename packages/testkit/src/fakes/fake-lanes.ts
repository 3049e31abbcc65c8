import {
  type AdmittedSequence,
  type Chunk,
  type DecoderDescription,
  type LaneId,
  type PageId,
  pagesFor,
  ServingError,
  type StepPlan,
} from '@tessera/domain';
import { chunkLen, FakeLane } from './fake-lane.js';

/** The lanes of the fake rank. It holds a plan to every rule that the contract states, and more strictly than ranks do. */
export class FakeLanes {
  readonly #description: DecoderDescription;
  readonly #lanes: Map<LaneId, FakeLane>;

  constructor(description: DecoderDescription, lanes: ReadonlyMap<LaneId, FakeLane> = new Map()) {
    this.#description = description;
    this.#lanes = new Map(lanes);
  }

  clone(): FakeLanes {
    return new FakeLanes(this.#description, new Map([...this.#lanes].map(([id, lane]) => [id, lane.clone()])));
  }

  get numInUse(): number {
    return this.#lanes.size;
  }

  get(id: LaneId): FakeLane {
    const lane = this.#lanes.get(id);
    if (!lane) throw planError(`lane ${id} holds no sequence`);
    return lane;
  }

  /** Releases, admits and lets all chunks begin; `isUnreliable` tells the lanes of a failed step. */
  apply(plan: StepPlan, isUnreliable: (lane: LaneId) => boolean): void {
    for (const id of plan.released) {
      this.#assertLane(id);
      this.#lanes.delete(id);
    }
    for (const { lane } of [...plan.admitted, ...plan.chunks]) {
      if (isUnreliable(lane) && !plan.released.includes(lane)) {
        throw planError(`lane ${lane} was named by a failed step and not released since`);
      }
    }
    for (const sequence of plan.admitted) this.#admit(sequence);
    this.#assertRows(plan.chunks);
    for (const chunk of plan.chunks) this.#begin(chunk);
  }

  #admit(sequence: AdmittedSequence): void {
    const { lane, sequenceId, tokenIds, numPromptTokens, positions, numCached, pages } = sequence;
    const { kvLayout, maxContextLen } = this.#description;
    this.#assertLane(lane);
    if (this.#lanes.has(lane)) throw planError(`lane ${lane} is not free for ${sequenceId}`);
    if (tokenIds.length > maxContextLen) throw planError(`${sequenceId} has ${tokenIds.length} tokens`);
    if (positions.temporal.length !== numPromptTokens || numPromptTokens > tokenIds.length) {
      throw planError(`${sequenceId} has ${positions.temporal.length} positions for a prompt of ${numPromptTokens}`);
    }
    if (numCached >= tokenIds.length || pages.length !== pagesFor(numCached, kvLayout.pageLen)) {
      throw planError(`${sequenceId} has ${numCached} of ${tokenIds.length} tokens in ${pages.length} pages`);
    }
    this.#lanes.set(lane, new FakeLane(sequence));
  }

  #assertRows(chunks: readonly Chunk[]): void {
    const { maxStepTokens } = this.#description;
    const numRows = chunks.reduce((sum, { input }) => sum + chunkLen(input), 0);
    if (numRows > maxStepTokens) throw planError(`${numRows} rows in a step of at most ${maxStepTokens}`);
    if (new Set(chunks.map(({ lane }) => lane)).size < chunks.length) throw planError('a lane has two chunks');
  }

  #begin(chunk: Chunk): void {
    const lane = this.get(chunk.lane);
    for (const page of chunk.newPages) this.#assertFree(page);
    const problem = lane.begin(chunk, this.#description.kvLayout.pageLen);
    if (problem) throw planError(`the chunk of lane ${chunk.lane} ${problem}`);
    const end = lane.numComputed + chunkLen(chunk.input);
    if (end > this.#description.maxContextLen) throw planError(`lane ${chunk.lane} reaches ${end} positions`);
  }

  #assertFree(page: PageId): void {
    const holder = [...this.#lanes].find(([, { pages }]) => pages.includes(page));
    if (holder) throw planError(`page ${page} is held by lane ${holder[0]}`);
    if (page < 0 || page >= this.#description.kvLayout.numPages) throw planError(`there is no page ${page}`);
  }

  #assertLane(id: LaneId): void {
    const { numLanes } = this.#description;
    if (id < 0 || id >= numLanes) throw planError(`there is no lane ${id} of ${numLanes}`);
  }
}

export function planError(problem: string): ServingError {
  return new ServingError('internal', `The step plan is inconsistent: ${problem}.`);
}
