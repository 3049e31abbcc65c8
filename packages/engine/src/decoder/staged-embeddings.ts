import { type EmbeddingKey, ServingError, type StagedEmbedding } from '@tessera/domain';

/** Visual rows that wait for the chunks that use them. */
export class StagedEmbeddings {
  readonly #staged = new Map<EmbeddingKey, StagedEmbedding>();
  readonly #hiddenSize: number;

  constructor(hiddenSize: number) {
    this.#hiddenSize = hiddenSize;
  }

  stage(embedding: StagedEmbedding): void {
    const { embeddingKey, numTokens, data } = embedding;
    if (data.length !== numTokens * this.#hiddenSize) {
      throw new ServingError(
        'internal',
        `Embedding ${embeddingKey} has ${data.length} values instead of ${numTokens} × ${this.#hiddenSize}.`,
      );
    }
    this.#staged.set(embeddingKey, embedding);
  }

  unstage(embeddingKey: EmbeddingKey): void {
    this.#staged.delete(embeddingKey);
  }

  clear(): void {
    this.#staged.clear();
  }

  /** Row `index` of an embedding; throws when it is not staged, so that no picture is ever dropped silently. */
  row(embeddingKey: EmbeddingKey, index: number): Float32Array {
    const embedding = this.#staged.get(embeddingKey);
    if (!embedding || index >= embedding.numTokens) {
      throw new ServingError('internal', `Row ${index} of embedding ${embeddingKey} is not staged.`);
    }
    return embedding.data.subarray(index * this.#hiddenSize, (index + 1) * this.#hiddenSize);
  }
}
