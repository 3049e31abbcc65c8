import type { AdmittedSequence, Chunk, LaneId, StepPlan } from '@tessera/domain';
import type { Sequence } from './sequence.js';

export interface PlanLimits {
  /** Rows of all chunks together. */
  readonly maxStepTokens: number;
}

/**
 * Plans one step: every running sequence has tokens to compute, one when it decodes, the rest of its prompt before.
 * Sequences that decode come first, so that a long prompt never holds up a stream; what is left of the budget goes to
 * prompts in order of arrival. No sequence computes more than the budget leaves. When there are more sequences than
 * rows, all take turns instead: those come first that wait longest.
 */
export function planStep(
  stepId: number,
  running: readonly Sequence[],
  released: readonly LaneId[],
  { maxStepTokens }: PlanLimits,
): StepPlan {
  const ordered =
    running.length > maxStepTokens
      ? [...running].sort((a, b) => a.waitsSinceStep - b.waitsSinceStep)
      : [...running.filter((s) => s.isPrefilled), ...running.filter((s) => !s.isPrefilled)];
  const chunks: Chunk[] = [];
  const admitted: AdmittedSequence[] = [];
  let budget = maxStepTokens;
  for (const sequence of ordered) {
    const numTokens = Math.min(sequence.numTokensToCompute, budget);
    if (numTokens === 0) continue;
    budget -= numTokens;
    if (!sequence.isAdmitted) admitted.push(admit(sequence));
    chunks.push(chunkOf(sequence, numTokens));
  }
  return { stepId, released, admitted, chunks };
}

function chunkOf(sequence: Sequence, numTokens: number): Chunk {
  const { lane, pages } = residenceOf(sequence);
  return {
    lane,
    input: sequence.isPrefilled ? { kind: 'lastSampled' } : { kind: 'known', numTokens },
    newPages: sequence.isAdmitted ? [] : pages,
    samples: numTokens === sequence.numTokensToCompute,
  };
}

function admit(sequence: Sequence): AdmittedSequence {
  const { request } = sequence;
  return {
    sequenceId: sequence.id,
    lane: residenceOf(sequence).lane,
    tokenIds: Int32Array.from([...request.tokenIds, ...request.resumeTokens]),
    numPromptTokens: request.tokenIds.length,
    positions: request.positions,
    visuals: sequence.visuals.map(({ embeddingKey, offset, length }) => ({ embeddingKey, offset, length })),
    numCached: 0,
    pages: [],
    sampling: request.sampling,
  };
}

function residenceOf({ id, residence }: Sequence): NonNullable<Sequence['residence']> {
  if (!residence) throw new Error(`Sequence ${id} runs without a lane.`);
  return residence;
}
