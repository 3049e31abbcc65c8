import type { StepResult } from '@tessera/domain';
import type { PlannedStep } from './plan-step.js';

/** What is wrong with a result: it is of another step, or leaves out a sequence that was to sample. */
export function contradictionOf({ plan, chunks }: PlannedStep, { stepId, outputs }: StepResult): Error | undefined {
  if (stepId !== plan.stepId) return new Error(`a result is of step ${stepId}, step ${plan.stepId} was planned`);
  const byLane = new Map(outputs.map(({ lane, sequenceId }) => [lane, sequenceId]));
  const missed = chunks.find(({ sequence, chunk }) => chunk.samples && byLane.get(chunk.lane) !== sequence.id);
  return missed && new Error(`step ${stepId} says nothing of ${missed.sequence.id} on lane ${missed.chunk.lane}`);
}
