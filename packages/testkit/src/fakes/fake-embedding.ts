import type { EmbeddingKey, StagedEmbedding } from '@tessera/domain';
import { floatsOf, mixDigest } from './fake-digest.js';

/** The rows that stand for a visual: a function of its key alone. */
export function createFakeEmbedding(
  embeddingKey: EmbeddingKey,
  numTokens: number,
  hiddenSize: number,
): StagedEmbedding {
  const digest = [...embeddingKey].reduce((sum, letter) => mixDigest(sum, letter.charCodeAt(0)), numTokens);
  return { embeddingKey, numTokens, data: floatsOf(digest, numTokens * hiddenSize) };
}
