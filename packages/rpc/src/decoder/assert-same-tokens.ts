import { type SequenceOutput, ServingError, type StepResult } from '@tessera/domain';

/** Throws `internal` when a rank sampled other tokens than rank 0: their lanes say different things from here on. */
export function assertSameTokens(groupId: string, results: readonly StepResult[]): void {
  const [first, ...others] = results.map(({ outputs }) => outputs.map(describeOutput).join(' '));
  for (const [i, other] of others.entries()) {
    if (other === first) continue;
    const rank = i + 1;
    const message = `Rank ${rank} of group ${groupId} sampled ${other} (lane:tokens) in step ${results[0].stepId}, rank 0 ${first}.`;
    throw new ServingError('internal', message, { groupId, rank });
  }
}

const describeOutput = ({ lane, tokens }: SequenceOutput): string =>
  `${lane}:${tokens.map(({ tokenId }) => tokenId).join()}`;
