import { ServingError } from '@tessera/domain';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CandidacyState } from '../bus.js';
import { LeaseCampaign } from './lease-campaign.js';
import type { LeaseStore } from './lease-store.js';

const ttlMs = 60;

describe('LeaseCampaign', () => {
  let controller: AbortController;
  let failures: unknown[];
  const campaigns: LeaseCampaign[] = [];
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    controller = new AbortController();
    failures = [];
  });
  afterEach(async () => {
    controller.abort();
    for (const campaign of campaigns.splice(0)) await campaign.ended;
    vi.useRealTimers();
  });

  const run = (openStore: () => Promise<LeaseStore>): LeaseCampaign => {
    const campaign = new LeaseCampaign({
      holder: { candidate: 'a', token: 'a-token' },
      ttlMs,
      openStore,
      signal: controller.signal,
      onFailedAttempt: (error) => failures.push(error),
    });
    campaigns.push(campaign);
    return campaign;
  };
  const readUntil = async (campaign: LeaseCampaign, last: CandidacyState): Promise<CandidacyState[]> => {
    const states: CandidacyState[] = [];
    for await (const state of campaign) {
      states.push(state);
      if (states.length > 1 && state === last) break;
    }
    return states;
  };

  it('leads once it holds the lease, and frees it at its end', async () => {
    const store = new OneLease();
    const campaign = run(async () => store);
    expect(await readUntil(campaign, 'leading')).toEqual(['following', 'leading']);
    controller.abort();
    expect(campaign.state).toBe('following');
    await campaign.ended;
    expect(store.freed).toEqual([store.revision]);
  });

  it('is unsure, then follows, when the store stays away; tells of it once', async () => {
    const store = new OneLease();
    const campaign = run(async () => store);
    await readUntil(campaign, 'leading');
    store.isAway = true;
    const losing = readUntil(campaign, 'following');
    await vi.advanceTimersByTimeAsync(ttlMs);
    expect(await losing).toEqual(['leading', 'unsure', 'following']);
    expect(failures).toEqual([new Error('away')]);
    store.isAway = false;
    const leadingAgain = readUntil(campaign, 'leading');
    await vi.advanceTimersByTimeAsync(ttlMs / 20);
    expect(await leadingAgain).toEqual(['following', 'leading']);
  });

  it('ends with an error that asking again cannot cure', async () => {
    const refusal = new ServingError('invalid_option', 'another length');
    const campaign = run(() => Promise.reject(refusal));
    const refused = expect(readUntil(campaign, 'leading')).rejects.toBe(refusal);
    await vi.advanceTimersByTimeAsync(ttlMs);
    await refused;
    expect(failures).toEqual([]);
  });
});

/** A store that grants everything while it is there. */
class OneLease implements LeaseStore {
  isAway = false;
  revision = 0;
  readonly freed: number[] = [];

  create(): Promise<number> {
    return this.renew();
  }

  async renew(): Promise<number> {
    if (this.isAway) throw new Error('away');
    this.revision += 1;
    return this.revision;
  }

  async read(): Promise<undefined> {
    if (this.isAway) throw new Error('away');
  }

  async free(revision: number): Promise<void> {
    this.freed.push(revision);
  }
}
