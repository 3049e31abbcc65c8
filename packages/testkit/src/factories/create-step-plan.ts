import {
  type AdmittedSequence,
  type Chunk,
  type LaneId,
  laneId,
  pageId,
  type StepPlan,
  sequenceId,
} from '@tessera/domain';
import { positionsOf } from './create-request.js';
import { createSamplingParams } from './create-sampling-params.js';

/** An empty step 0, but for what is given. */
export function createStepPlan(given: Partial<StepPlan> = {}): StepPlan {
  return { stepId: 0, released: [], admitted: [], chunks: [], ...given };
}

/** A greedy text sequence for lane 0 with nothing cached, all of its tokens prompt, but for what is given. */
export function createAdmittedSequence(given: Partial<AdmittedSequence> = {}): AdmittedSequence {
  const { tokenIds, lane } = { tokenIds: Int32Array.of(1, 2, 3), lane: laneId(0), ...given };
  const { numPromptTokens } = { numPromptTokens: tokenIds.length, ...given };
  return {
    sequenceId: sequenceId(`sequence-${lane}`),
    lane,
    tokenIds,
    numPromptTokens,
    positions: positionsOf([{ kind: 'text', offset: 0, length: numPromptTokens }]),
    visuals: [],
    numCached: 0,
    pages: [],
    sampling: createSamplingParams(),
    ...given,
  };
}

/** A chunk of `numTokens` known tokens that samples. */
export function knownChunk(lane: LaneId, numTokens: number, given: Partial<Chunk> = {}): Chunk {
  return { lane, input: { kind: 'known', numTokens }, newPages: [], samples: true, ...given };
}

/** The token that the lane sampled last; samples the next. */
export function decodeChunk(lane: LaneId, given: Partial<Chunk> = {}): Chunk {
  return { lane, input: { kind: 'lastSampled' }, newPages: [], samples: true, ...given };
}

/** Tokens given in the plan; samples after the last of them. */
export function explicitChunk(lane: LaneId, tokenIds: readonly number[], given: Partial<Chunk> = {}): Chunk {
  return { lane, input: { kind: 'explicit', tokenIds }, newPages: [], samples: true, ...given };
}

export const pageIds = (...ids: readonly number[]) => ids.map(pageId);
