import type { EmbeddingKey } from './ids.js';
import type { KvLayout } from './kv-layout.js';
import type { StepPlan } from './step-plan.js';
import type { StepResult } from './step-result.js';

/** What a rank group says of itself once it is ready. */
export interface DecoderDescription {
  /** Digest of the checkpoint's content. */
  readonly modelRevision: string;
  readonly numRanks: number;
  readonly numLanes: number;
  readonly maxContextLen: number;
  /** Rows of all chunks of a step together. */
  readonly maxStepTokens: number;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly kvLayout: KvLayout;
  /** Whether a row's result is bit-equal whatever other rows are in the step (architecture §3.5). */
  readonly isRowInvariant: boolean;
}

/** An embedding on its way to the decoder: `data` is [numTokens, hiddenSize] in placeholder order. */
export interface StagedEmbedding {
  readonly embeddingKey: EmbeddingKey;
  readonly numTokens: number;
  readonly data: Float32Array;
}

/**
 * A rank group as the step loop sees it: CPU ranks in this process, ranks behind gRPC, a GPU.
 *
 * Calls are made one at a time and run in order. `step` rejects when the whole step failed: nothing of it counts, and
 * the lanes it named must be released before they are used again.
 */
export interface DecoderEngine {
  readonly description: DecoderDescription;
  /** Makes a visual's rows available to every rank until `unstage`; the caller gives up `embedding.data`. */
  stage(embedding: StagedEmbedding): Promise<void>;
  unstage(embeddingKey: EmbeddingKey): Promise<void>;
  step(plan: StepPlan): Promise<StepResult>;
  close(): Promise<void>;
}
