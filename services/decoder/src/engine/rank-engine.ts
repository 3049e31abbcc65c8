import type { DecoderEngine } from '@tessera/domain';
import type { EngineThread } from '@tessera/engine';

/** One life of a group: who meets, and under which name. */
export interface GroupSession {
  /** Unique. */
  readonly session: string;
  /** Mesh addresses of the processes of the group, in rank order. */
  readonly meshAddresses: readonly string[];
}

/** The engine of one process of a group: one rank of several, or all of them. */
export interface RankEngine extends DecoderEngine, EngineThread {
  /** Where the other processes of the group find this one. */
  readonly meshAddress: string;
  /**
   * Ends the session before at once, then, after the calls before, drops all sequences and staged embeddings and meets
   * the others. Pages keep what they hold. Rejects with `worker_failed` when somebody does not come, with `cancelled`
   * when the session has ended meanwhile.
   */
  open(session: GroupSession): Promise<void>;
  /** Leaves the group at once: a step that waits for another rank rejects, here and there. */
  endSession(): Promise<void>;
}
