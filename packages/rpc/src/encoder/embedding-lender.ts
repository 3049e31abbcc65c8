import type { EmbeddingKey, StagedEmbedding } from '@tessera/domain';

/** An embedding where its encoder keeps it: not to be written to, and kept there until `release`, called once. */
export interface LentEmbedding {
  readonly embedding: StagedEmbedding;
  release(): void;
}

/** What an encoder holds, for a wire that reads it where it lies. */
export interface EmbeddingLender {
  /** Undefined when it is not held. */
  lend(embeddingKey: EmbeddingKey): LentEmbedding | undefined;
}
