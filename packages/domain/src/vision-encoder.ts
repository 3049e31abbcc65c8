import type { StagedEmbedding } from './decoder-engine.js';
import type { EmbeddingKey } from './ids.js';
import type { Grid, VisualProcessing } from './segment.js';

/** One visual to encode, with the bytes as the client sent them. */
export interface EncodeJob {
  readonly ticket: string;
  readonly embeddingKey: EmbeddingKey;
  readonly kind: 'image' | 'video';
  readonly grid: Grid;
  readonly processing: VisualProcessing;
  readonly source: Uint8Array;
}

/** An encoder as gateways see it: the upload. */
export interface VisionEncoder {
  /** Resolves when the embedding is ready. Rejects with a ServingError of reason `media_…` when the source is at fault. */
  encode(job: EncodeJob, signal: AbortSignal): Promise<void>;
}

/** An encoder as the scheduler and the decoders see it: what is held, and the rows themselves. */
export interface EmbeddingSource {
  readonly address: string;
  /** Whether the embedding is held now; it may be evicted before it is fetched. */
  holds(embeddingKey: EmbeddingKey): boolean;
  /** Resolves when the embedding is held, rejects when `signal` aborts. */
  waitUntilReady(embeddingKey: EmbeddingKey, signal: AbortSignal): Promise<void>;
  /** The rows, or undefined on an explicit miss: then the source must be uploaded again. */
  fetch(embeddingKey: EmbeddingKey): Promise<StagedEmbedding | undefined>;
}
