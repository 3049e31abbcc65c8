import type { DecoderDescription } from './decoder-engine.js';
import type { EmbeddingKey } from './ids.js';
import type { Seal, StepPlan } from './step-plan.js';
import type { StepResult } from './step-result.js';

/** An embedding that an encoder holds. */
export interface EmbeddingRef {
  readonly embeddingKey: EmbeddingKey;
  readonly encoderAddress: string;
  readonly numTokens: number;
}

/**
 * A rank group that obeys one scheduler: the ranks of a group seen as one, wherever they run.
 *
 * Calls may overlap; they run in order on every rank. After a call rejected with `worker_failed` the group is lost:
 * every later call rejects too, and `lost` has resolved. Any other rejection of `step` means that nothing of that step
 * counts; its lanes must be released before they are used again.
 */
export interface RankGroup {
  readonly groupId: string;
  readonly description: DecoderDescription;
  /** Pages that all ranks sealed alike when they came to obey; the scheduler may take them as cached. */
  readonly seals: readonly Seal[];
  /** Resolves with the reason when the group can run nothing any more. */
  readonly lost: Promise<Error>;
  /**
   * Has every rank get the rows from the encoder; false when it does not hold them any more. Steps called meanwhile do
   * not wait for it: the rows may be computed by those called once it has resolved.
   */
  stage(embedding: EmbeddingRef): Promise<boolean>;
  /** Drops the rows once the steps called before have run. */
  unstage(embeddingKey: EmbeddingKey): Promise<void>;
  step(plan: StepPlan): Promise<StepResult>;
  close(): Promise<void>;
}
