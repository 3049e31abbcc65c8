import type { DecoderEngine, RankGroup } from '@tessera/domain';
import type { EmbeddingServer } from './embedding-server.js';

/** A group as an engine that is given rows instead of where they are; closing it lets the group go. */
export function groupEngine(group: RankGroup, embeddings: EmbeddingServer): DecoderEngine {
  return {
    description: group.description,
    stage: async (embedding) => {
      const { embeddingKey, numTokens } = embedding;
      embeddings.put(embedding);
      const isStaged = await group.stage({ embeddingKey, encoderAddress: embeddings.address, numTokens });
      if (!isStaged) throw new Error(`Embedding ${embeddingKey} could not be fetched.`);
    },
    unstage: (embeddingKey) => group.unstage(embeddingKey),
    step: (plan) => group.step(plan),
    close: () => group.close(),
  };
}
