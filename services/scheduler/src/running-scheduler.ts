import type {
  CellInspection,
  CellModel,
  EmbeddingKey,
  EncoderFeed,
  RankGroup,
  RankSeals,
  Scheduler,
  ServingError,
  StepResult,
} from '@tessera/domain';
import type { GroupSnapshot, PageDelta } from '@tessera/kv';
import type { Placement } from './placement.js';
import type { Sequence } from './sequence.js';

export interface SchedulerDeps {
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** What each rank of a group says of its pages now, for inspection. */
  readonly readSeals?: (groupId: string) => Promise<readonly RankSeals[]>;
  /** The ranks of a group could not take an embedding; whoever needed it there fails with the error. */
  readonly onStageFailed?: (groupId: string, key: EmbeddingKey, error: Error) => void;
  readonly onPlaced?: (placement: Placement, sequence: Sequence) => void;
  /** The result of a step is booked; `changes` are the pages that changed since the step before. */
  readonly onStep?: (groupId: string, result: StepResult, changes: readonly PageDelta[]) => void;
}

/** What the scheduler holds now. */
export interface SchedulerSnapshot {
  readonly numGroups: number;
  readonly numEncoders: number;
  /** Requests that wait for embeddings or for room. */
  readonly numWaiting: number;
  readonly numRunning: number;
  readonly numPages: number;
  readonly numFreePages: number;
  /** Held by nobody, kept for their content. */
  readonly numCachedPages: number;
  readonly numOwnedPages: number;
  readonly numFreeLanes: number;
  /** Embeddings that are being made or wait for an encoder. */
  readonly numWantedEmbeddings: number;
  readonly numStagedEmbeddings: number;
}

/** The scheduler of one cell: rank groups and encoders come and go. */
export interface RunningScheduler extends Scheduler {
  readonly snapshot: SchedulerSnapshot;
  /** What all groups can do that are there; undefined until one was there. */
  readonly model: CellModel | undefined;
  /** Throws `invalid_option` for a group of another model than those that are there. */
  addGroup(group: RankGroup): void;
  /**
   * Listens to an encoder until the signal aborts, or it says that it is done. Rejects when it is lost, and with
   * `invalid_option` when its embeddings are not for the groups that are there, or come.
   */
  addEncoder(feed: EncoderFeed, signal: AbortSignal): Promise<void>;
  inspect(epoch: number): Promise<CellInspection>;
  /** Throws with its numbers when something is held for nobody. */
  checkIntegrity(): void;
  /** The pages of a group as they are now; undefined when it is no more. */
  snapshotOf(groupId: string): GroupSnapshot | undefined;
  /** Fails what runs and waits with `error`, and lets the groups go. */
  close(error: ServingError): Promise<void>;
}
