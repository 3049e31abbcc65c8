import type { StagedEmbedding } from './decoder-engine.js';
import type { EmbeddingKey } from './ids.js';
import type { Grid, VisualProcessing } from './segment.js';

/** One visual to encode, with the bytes as the client sent them. */
export interface EncodeJob {
  readonly ticket: string;
  /** Whose request it is; an encoder shares its time fairly between tenants. */
  readonly tenant: string;
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

/** Where decoders get embeddings. */
export interface EmbeddingStore {
  /** The rows, or undefined on an explicit miss: then the source must be uploaded again. */
  fetch(embeddingKey: EmbeddingKey): Promise<StagedEmbedding | undefined>;
}

/**
 * What changed at an encoder since the last update; the first has everything. Every open ticket is answered: its key is
 * ready, or the ticket failed. A key that came and went is ready in one update and evicted in the next.
 */
export interface EncoderUpdate {
  readonly ready: readonly EmbeddingKey[];
  readonly evicted: readonly EmbeddingKey[];
  /** Jobs that came to nothing: their tickets are open again, or their requests failed at the gateway. */
  readonly failed: readonly { readonly ticket: string; readonly embeddingKey: EmbeddingKey }[];
  /** Patches that wait or are being encoded. */
  readonly numPendingPatches: number;
}

/** What an encoder says of itself. */
export interface VisionEncoderDescription {
  readonly modelRevision: string;
  readonly hiddenSize: number;
  /** Bound of its embedding cache. */
  readonly cacheBytes: number;
}

/** An encoder as the scheduler sees it: never a pixel, never a row. */
export interface EncoderFeed {
  readonly address: string;
  readonly description: VisionEncoderDescription;
  /**
   * All that is held now, then every change in order, until `signal` aborts or the encoder is lost. Every call
   * listens on its own, from the first reading on.
   */
  updates(signal: AbortSignal): AsyncIterable<EncoderUpdate>;
}
