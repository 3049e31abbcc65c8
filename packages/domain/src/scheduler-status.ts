import type { BlockHash, PageId, SequenceId } from './ids.js';
import type { Seal } from './step-plan.js';

/** What a cell serves, and whether it can serve now. */
export interface CellDescription {
  /** Whether the scheduler asked leads; a standby refuses requests with `not_leader`. */
  readonly isLeader: boolean;
  /** Leads, and at least one rank group and one encoder serve. */
  readonly isReady: boolean;
  /** Why it is not ready; empty when it is. */
  readonly waitingFor: string;
  /** What workers granted; 0 before. */
  readonly epoch: number;
  /** Undefined until a rank group is known. */
  readonly model: CellModel | undefined;
}

/** What a gateway must know of the cell to prepare requests. */
export interface CellModel {
  /** Digest of the checkpoint's content. */
  readonly revision: string;
  readonly maxContextLen: number;
  /** Positions a page, for the hashes of a prompt's pages. */
  readonly pageLen: number;
  /** Visual tokens that one request may have. */
  readonly maxVisualTokens: number;
}

/** A page that is not free, as the scheduler holds it. */
export interface PageRecord {
  readonly pageId: PageId;
  /** Held by sequences, or by nobody and kept for its content. */
  readonly state: 'owned' | 'cached';
  /** Set when the page is full and hashed. */
  readonly blockHash: BlockHash | undefined;
  readonly sequenceIds: readonly SequenceId[];
  /** Goes up by one each time the page is given to new content. */
  readonly generation: number;
}

/** The pages of one rank group, by all who keep books on them. */
export interface GroupInspection {
  readonly groupId: string;
  readonly numPages: number;
  readonly pages: readonly PageRecord[];
  /** What each rank says of its pages now. */
  readonly seals: readonly RankSeals[];
}

export interface RankSeals {
  readonly rank: number;
  readonly seals: readonly Seal[];
}

/** What a scheduler holds at one moment, for inspection and audit. */
export interface CellInspection {
  readonly epoch: number;
  readonly numWaiting: number;
  readonly numRunning: number;
  readonly groups: readonly GroupInspection[];
}

/** Questions about a cell, beside its requests. */
export interface CellInspector {
  describe(): Promise<CellDescription>;
  inspect(): Promise<CellInspection>;
}
