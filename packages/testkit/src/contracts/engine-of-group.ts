import type { DecoderEngine, RankGroup, StagedEmbedding } from '@tessera/domain';

/**
 * A group as an engine that is given rows instead of where they are. `put` has them where the group finds them, and
 * returns the address. A group's steps wait for no fetch, an engine's calls run in order: here they wait.
 */
export function engineOfGroup(group: RankGroup, put: (embedding: StagedEmbedding) => string): DecoderEngine {
  let staged: Promise<unknown> = Promise.resolve();
  const stage = async (embedding: StagedEmbedding): Promise<void> => {
    const { embeddingKey, numTokens } = embedding;
    const isStaged = await group.stage({ embeddingKey, encoderAddress: put(embedding), numTokens });
    if (!isStaged) throw new Error(`Embedding ${embeddingKey} could not be fetched.`);
  };
  return {
    description: group.description,
    stage: (embedding) => {
      const staging = stage(embedding);
      staged = staging.catch(() => {});
      return staging;
    },
    unstage: (embeddingKey) => staged.then(() => group.unstage(embeddingKey)),
    step: (plan) => staged.then(() => group.step(plan)),
    close: () => group.close(),
  };
}
