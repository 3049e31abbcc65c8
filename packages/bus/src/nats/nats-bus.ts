import { randomUUID } from 'node:crypto';
import { ServingError } from '@tessera/domain';
import type { NatsConnection } from 'nats';
import type { Announcement, Bus, BusState, CampaignOptions, Candidacy, Member, MemberKind } from '../bus.js';
import { isFulfilledWithin } from '../is-fulfilled-within.js';
import { LeaseCampaign } from '../lease/lease-campaign.js';
import { NatsAnnouncement } from './nats-announcement.js';
import { NatsLeaseStore } from './nats-lease-store.js';
import { ServerPulse } from './server-pulse.js';
import { leaseBucket } from './subjects.js';
import { watchMembers } from './watch-members.js';

export interface NatsBusContext {
  readonly nc: NatsConnection;
  readonly cell: string;
  /** Between two messages of a member. */
  readonly periodMs: number;
  readonly onWarning: (message: string, cause: unknown) => void;
}

const requestTimeoutMs = 2_000;
const drainTimeoutMs = 2_000;

/** One process's connection to the cell. */
export class NatsBus implements Bus {
  readonly #context: NatsBusContext;
  readonly #pulse: ServerPulse;
  readonly #closing = new AbortController();
  /** Those that have not ended. */
  readonly #campaigns = new Set<LeaseCampaign>();

  constructor(context: NatsBusContext) {
    this.#context = context;
    this.#pulse = new ServerPulse(context.nc, context.periodMs);
  }

  get state(): BusState {
    return this.#pulse.state;
  }

  onStateChange(listener: (state: BusState) => void): () => void {
    return this.#pulse.onStateChange(listener);
  }

  async announce(member: Member): Promise<Announcement> {
    return new NatsAnnouncement({ ...this.#context, pulse: this.#pulse }, member, this.#closing.signal);
  }

  watch(kind: MemberKind, signal: AbortSignal): AsyncIterable<readonly Member[]> {
    const context = { ...this.#context, pulse: this.#pulse };
    return watchMembers(context, kind, AbortSignal.any([signal, this.#closing.signal]));
  }

  campaign({ name, candidate, ttlMs, signal }: CampaignOptions): Candidacy {
    const { nc, cell, onWarning } = this.#context;
    if (nc.info !== undefined && !nc.info.jetstream) {
      throw new ServingError('invalid_option', `NATS at ${nc.getServer()} runs without JetStream, which leases need.`);
    }
    const bucket = leaseBucket(cell, name);
    const campaign = new LeaseCampaign({
      holder: { candidate, token: randomUUID() },
      ttlMs,
      openStore: () => NatsLeaseStore.open(nc, bucket, ttlMs),
      signal: AbortSignal.any([signal, this.#closing.signal]),
      onFailedAttempt: (error) => onWarning(`could not ask NATS for the lease ${name}; asking on`, error),
    });
    this.#campaigns.add(campaign);
    void campaign.ended.then(() => this.#campaigns.delete(campaign));
    return campaign;
  }

  async leaderOf(name: string): Promise<string | undefined> {
    const { nc, cell } = this.#context;
    try {
      const store = await NatsLeaseStore.find(nc, leaseBucket(cell, name), requestTimeoutMs);
      return (await store?.read())?.holder.candidate;
    } catch (cause) {
      throw new ServingError('not_ready', `NATS does not say who holds the lease ${name}.`, {}, { cause });
    }
  }

  async close(): Promise<void> {
    const { nc } = this.#context;
    this.#closing.abort();
    await Promise.all([...this.#campaigns].map(({ ended }) => ended));
    // What was said last has to leave; a server that is away will not take it.
    if (this.state === 'connected') await isFulfilledWithin(nc.drain(), drainTimeoutMs);
    this.#pulse.stop();
    await nc.close();
  }
}
