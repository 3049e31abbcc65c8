import type { EmbeddingKey, EmbeddingRef, Seal, StepPlan, StepResult } from '@tessera/domain';
import type { RankDescription } from './description.js';

/** What a leader says when it asks a rank to obey. */
export interface RankClaim {
  /** Highest epoch that workers report, plus one. */
  readonly epoch: number;
  readonly leaderId: string;
  /** Names this life of the group: ranks meet only those of the same session. */
  readonly session: string;
  /** Mesh addresses of the processes of the group, in rank order. */
  readonly meshAddresses: readonly string[];
  /** Time without a word from the leader after which its stream counts as silent. */
  readonly silenceMs: number;
}

/** A leader's stream as a rank sees it. */
export interface LeaderStream {
  /** Aborts once the stream is over, whoever ended it. */
  readonly signal: AbortSignal;
  /** Time since the leader's last word. */
  readonly silentMs: number;
  /** Ends it; the leader hears why. */
  end(why: Error): void;
}

/**
 * A rank that obeys one leader. Commands run in the order of their calls, which need not wait for one another; only a
 * fetch holds up nothing but what is said of the same embedding.
 */
export interface RankLease {
  /** Counts from 0. */
  readonly rank: number;
  readonly description: RankDescription;
  /** What the rank's pages hold. */
  readonly seals: readonly Seal[];
  /** Whether a failed step ends the stream: other ranks may wait for this one inside of the step. */
  readonly endsWithFailedStep: boolean;
  /** Gets the rows from the encoder; false when it does not hold them any more. */
  stage(embedding: EmbeddingRef): Promise<boolean>;
  unstage(embeddingKey: EmbeddingKey): Promise<void>;
  step(plan: StepPlan): Promise<StepResult>;
}

/** A rank as it is now. */
export interface RankStatus {
  /** It may be opened. */
  readonly isReady: boolean;
  /** The last granted epoch; 0 before any. */
  readonly epoch: number;
  /** Who was granted it; undefined before any. */
  readonly leaderId: string | undefined;
  readonly description: RankDescription;
  readonly seals: readonly Seal[];
  readonly groupId: string;
  /** Counts from 0. */
  readonly rank: number;
}

/** A decoder rank, for `serveDecoderRank`. */
export interface RankHost {
  readonly status: RankStatus;
  /**
   * Obeys whoever has `stream` until that ends. Resolves when all ranks of the session have met; rejects with
   * `epoch_refused` when this one obeys somebody else.
   */
  open(claim: RankClaim, stream: LeaderStream): Promise<RankLease>;
}
