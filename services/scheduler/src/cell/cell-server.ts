import { setTimeout as pause } from 'node:timers/promises';
import type { Bus, Candidacy, Member } from '@tessera/bus';
import type {
  CellDescription,
  CellInspection,
  CellInspector,
  Request,
  Scheduler,
  SchedulerEvent,
} from '@tessera/domain';
import { Leadership, type LeadershipOptions, notLeading } from './leadership.js';

export interface CellServerOptions extends LeadershipOptions {
  readonly bus: Bus;
  /** Name of the lease that candidates run for. */
  readonly leaseName: string;
  readonly leaseMs: number;
}

/**
 * A scheduler as one of several: leads while it holds the lease, stands by otherwise. One that cannot renew its lease
 * goes on leading until another candidate holds it, or all workers obey another: a pause of the bus stops nobody.
 */
export class CellServer implements Scheduler, CellInspector {
  readonly #options: CellServerOptions;
  #leadership: Leadership | undefined;
  #decoders: readonly Member[] = [];
  #encoders: readonly Member[] = [];

  constructor(options: CellServerOptions) {
    this.#options = options;
  }

  get leadership(): Leadership | undefined {
    return this.#leadership;
  }

  /**
   * Runs for the lease and follows the members of the cell until the signal aborts. Rejects with what ended that before.
   * Afterwards it leads no more, and runs for nothing.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { bus } = this.#options;
    const end = new AbortController();
    const until = AbortSignal.any([signal, end.signal]);
    const parts = [
      this.#watch(bus.watch('decoder', until), (members) => {
        this.#decoders = members;
        this.#leadership?.setDecoders(members);
      }),
      this.#watch(bus.watch('vision-encoder', until), (members) => {
        this.#encoders = members;
        this.#leadership?.setEncoders(members);
      }),
      this.#runForLease(until),
    ];
    try {
      await Promise.all(parts);
    } finally {
      end.abort();
      await Promise.allSettled(parts);
      await this.#stepDown();
    }
  }

  generate(request: Request, signal: AbortSignal): AsyncIterable<SchedulerEvent> {
    if (!this.#leadership) throw notLeading();
    return this.#leadership.scheduler.generate(request, signal);
  }

  async describe(): Promise<CellDescription> {
    const leadership = this.#leadership;
    if (!leadership) {
      return { isLeader: false, isReady: false, waitingFor: 'the lease', epoch: 0, model: undefined };
    }
    const { snapshot, model } = leadership.scheduler;
    const missing = [
      ...(snapshot.numGroups === 0 ? ['a rank group'] : []),
      ...(snapshot.numEncoders === 0 ? ['an encoder'] : []),
    ];
    const waitingFor = missing.join(' and ');
    return { isLeader: true, isReady: missing.length === 0, waitingFor, epoch: leadership.epoch, model };
  }

  async inspect(): Promise<CellInspection> {
    if (!this.#leadership) throw notLeading();
    return this.#leadership.inspect();
  }

  async #runForLease(signal: AbortSignal): Promise<void> {
    const { bus, leaseName: name, leaseMs: ttlMs, leaderId: candidate, logger } = this.#options;
    const candidacy = bus.campaign({ name, candidate, ttlMs, signal });
    for await (const state of candidacy) {
      if (state === 'leading') this.#lead();
      else if (state === 'unsure') logger.warn('the lease could not be renewed; leading on until somebody else does');
      else await this.#leadUntilOvertaken(candidacy, signal);
    }
  }

  /** A lease that ended while the bus was away may be another's at any time from then on, and no news tells of it. */
  async #leadUntilOvertaken(candidacy: Candidacy, signal: AbortSignal): Promise<void> {
    while (this.#leadership && candidacy.state === 'following' && !signal.aborted) {
      if (await this.#isOvertaken()) await this.#stepDown();
      else await pause(this.#options.leaseMs / 3, undefined, { signal }).catch(() => {});
    }
  }

  /** Whether another candidate holds the lease; while nobody can be asked, whether all workers obey another one. */
  async #isOvertaken(): Promise<boolean> {
    const { bus, leaseName, leaderId } = this.#options;
    try {
      const leader = await bus.leaderOf(leaseName);
      return leader !== undefined && leader !== leaderId;
    } catch {
      return this.#leadership?.isDeserted ?? false;
    }
  }

  #lead(): void {
    if (this.#leadership) return;
    this.#options.logger.info('leading the cell');
    this.#leadership = new Leadership(this.#options);
    this.#leadership.setDecoders(this.#decoders);
    this.#leadership.setEncoders(this.#encoders);
  }

  async #stepDown(): Promise<void> {
    const leadership = this.#leadership;
    this.#leadership = undefined;
    if (leadership) this.#options.logger.info('leading no more');
    await leadership?.close(notLeading());
  }

  async #watch(updates: AsyncIterable<readonly Member[]>, take: (members: readonly Member[]) => void): Promise<void> {
    for await (const members of updates) take(members);
  }
}
