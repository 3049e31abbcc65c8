import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Member } from '@tessera/bus';
import { type CellInspection, type RankSeals, ServingError } from '@tessera/domain';
import { createWriteBehind, type PageDirectory, type WriteBehind } from '@tessera/kv';
import { attachEncoder, connectRankGroup, describeRank, type RpcTls } from '@tessera/rpc';
import type { Logger } from '@tessera/runtime';
import { createScheduler } from '../create-scheduler.js';
import type { RunningScheduler } from '../running-scheduler.js';
import type { SchedulerConfig } from '../scheduler-config.js';
import type { SchedulerMetrics } from '../scheduler-metrics.js';
import { type CompleteGroup, completeGroups } from './complete-groups.js';
import { keepTrying } from './keep-trying.js';

export interface LeadershipOptions {
  /** Who leads, unique among schedulers. */
  readonly leaderId: string;
  readonly planning: SchedulerConfig;
  /** Time without a word after which decoders may obey another leader. */
  readonly silenceMs: number;
  readonly directory: PageDirectory | undefined;
  readonly tls: RpcTls | undefined;
  readonly logger: Logger;
  readonly metrics: SchedulerMetrics;
}

/** A group that is to be led. */
interface FollowedGroup {
  readonly group: CompleteGroup;
  readonly end: AbortController;
  /** Its workers obey another leader, by their last word. */
  isRefused: boolean;
}

/** Time that the directory has to tell its epoch; a group is not led later for it. */
const directoryMs = 250;

/**
 * One scheduler's time of leading a cell: comes to lead every complete rank group that is announced, listens to every
 * encoder, and tries again when one is lost. It never takes a group from another leader: workers grant (architecture §4).
 */
export class Leadership {
  readonly scheduler: RunningScheduler;
  readonly #options: LeadershipOptions;
  readonly #end = new AbortController();
  readonly #groups = new Map<string, FollowedGroup>();
  readonly #encoders = new Map<string, AbortController>();
  #journal: WriteBehind | undefined;
  #epoch = 0;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    const { planning, logger, metrics } = options;
    this.scheduler = createScheduler(
      {
        now: Date.now,
        readSeals: (groupId) => this.#readSeals(groupId),
        onPlaced: ({ loop, reason, numCachedTokens }, sequence) => {
          metrics.recordPlacement(reason);
          const { id } = sequence;
          logger.debug({ sequence: id, group: loop.groupId, reason, numCachedTokens }, 'placed');
        },
        onStageFailed: (group, embedding, error) =>
          logger.error({ group, embedding, err: error }, 'an embedding cannot be staged'),
        onStep: (groupId, result, changes) => {
          metrics.recordStep(groupId, result);
          this.#journal?.push(groupId, result.stepId, changes);
        },
      },
      planning,
    );
  }

  /** Highest epoch that a group has granted; 0 before any. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether all groups of the cell obey another leader, as far as this one knows. */
  get isDeserted(): boolean {
    const groups = [...this.#groups.values()];
    return groups.length > 0 && groups.every(({ isRefused }) => isRefused);
  }

  /** Takes these as the decoders there are. */
  setDecoders(members: readonly Member[]): void {
    const groups = new Map(completeGroups(members).map((group) => [group.groupId, group]));
    for (const [groupId, { group, end }] of this.#groups) {
      if (groups.get(groupId)?.incarnation === group.incarnation) continue;
      end.abort();
      this.#groups.delete(groupId);
    }
    for (const group of groups.values()) if (!this.#groups.has(group.groupId)) this.#follow(group);
  }

  /** Takes these as the encoders there are. */
  setEncoders(members: readonly Member[]): void {
    const addresses = new Set(members.map(({ address }) => address));
    for (const [address, end] of this.#encoders) {
      if (addresses.has(address)) continue;
      end.abort();
      this.#encoders.delete(address);
    }
    for (const address of addresses) if (!this.#encoders.has(address)) this.#listenTo(address);
  }

  inspect(): Promise<CellInspection> {
    return this.scheduler.inspect(this.#epoch);
  }

  /** Ends it: running requests fail with `error`, groups and encoders are let go. */
  async close(error: ServingError): Promise<void> {
    this.#end.abort();
    for (const { end } of this.#groups.values()) end.abort();
    for (const end of this.#encoders.values()) end.abort();
    await this.scheduler.close(error);
    await this.#journal?.close();
  }

  #follow(group: CompleteGroup): void {
    const followed: FollowedGroup = { group, end: new AbortController(), isRefused: false };
    this.#groups.set(group.groupId, followed);
    const until = AbortSignal.any([followed.end.signal, this.#end.signal]);
    void keepTrying(`group ${group.groupId}`, this.#options.logger, until, () => this.#leadGroup(followed, until));
  }

  #listenTo(address: string): void {
    const end = new AbortController();
    this.#encoders.set(address, end);
    const { tls, logger } = this.#options;
    const until = AbortSignal.any([end.signal, this.#end.signal]);
    void keepTrying(`encoder ${address}`, logger, until, async () => {
      const feed = await attachEncoder(address, { tls }, until);
      logger.info({ encoder: address }, 'encoder joined');
      await this.scheduler.addEncoder(feed, until);
    });
  }

  /** Leads a group until it is lost. */
  async #leadGroup(followed: FollowedGroup, signal: AbortSignal): Promise<void> {
    const { groupId, ranks } = followed.group;
    const { leaderId, silenceMs, tls, logger } = this.#options;
    const [directoryEpoch, ...statuses] = await Promise.all([
      this.#epochOfDirectory(),
      ...ranks.map(({ address }) => describeRank(address, { tls })),
    ]);
    const epoch = Math.max(this.#epoch, directoryEpoch, ...statuses.map((status) => status.epoch)) + 1;
    const options = { groupId, ranks, epoch, leaderId, session: randomUUID(), silenceMs, tls };
    const group = await connectRankGroup(options, signal).catch((error: Error) => {
      followed.isRefused = isRefusal(error);
      throw error;
    });
    followed.isRefused = false;
    const onAbort = (): void => void group.close();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal.aborted) return;
      this.#grant(epoch);
      this.scheduler.addGroup(group);
      this.#journal?.push(groupId, 0, []);
      logger.info({ group: groupId, epoch, ranks: ranks.length, cachedPages: group.seals.length }, 'leading group');
      const reason = await group.lost;
      followed.isRefused = isRefusal(reason);
      this.#journal?.clear(groupId);
      if (!signal.aborted) logger.warn({ group: groupId, err: reason }, 'group lost');
    } finally {
      signal.removeEventListener('abort', onAbort);
      // Whoever is led and not used can be led by nobody else.
      await group.close();
    }
  }

  /** Workers that all were started anew count epochs from 0 again; the directory refuses those that it has left behind. */
  #epochOfDirectory(): Promise<number> {
    const { directory } = this.#options;
    const nothing = pause(directoryMs, 0, { ref: false });
    return Promise.race([directory?.epoch() ?? 0, nothing]).catch(() => 0);
  }

  /** The journal is of the highest epoch, or a leader before with groups of a higher one would have it refused. */
  #grant(epoch: number): void {
    if (epoch <= this.#epoch) return;
    this.#epoch = epoch;
    const { directory, logger } = this.#options;
    if (this.#journal) this.#journal.raiseEpoch(epoch);
    else if (directory) {
      this.#journal = createWriteBehind(directory, {
        epoch,
        snapshot: (groupId) => this.scheduler.snapshotOf(groupId),
        onState: (state, cause) => logger.info({ state, err: cause }, 'page directory'),
      });
    }
  }

  async #readSeals(groupId: string): Promise<RankSeals[]> {
    const ranks = this.#groups.get(groupId)?.group.ranks ?? [];
    const { tls } = this.#options;
    const statuses = await Promise.all(ranks.map(({ address }) => describeRank(address, { tls })));
    return statuses.map(({ rank, seals }) => ({ rank, seals }));
  }
}

function isRefusal(error: Error): boolean {
  return error instanceof ServingError && error.reason === 'epoch_refused';
}

export function notLeading(): ServingError {
  return new ServingError('not_leader', 'This scheduler does not lead; another one does, or nobody yet.');
}
