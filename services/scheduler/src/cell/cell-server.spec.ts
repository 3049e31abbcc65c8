import { type CandidacyState, createMemoryBus, type Member, MemoryHub } from '@tessera/bus';
import { EventQueue, type RankGroup, ServingError } from '@tessera/domain';
import { createLogger, createMetrics } from '@tessera/runtime';
import { createRequest, FakeRankGroup } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultSchedulerConfig } from '../scheduler-config.js';
import { createSchedulerMetrics } from '../scheduler-metrics.js';
import { CellServer } from './cell-server.js';

const { connectRankGroup, describeRank } = vi.hoisted(() => ({
  connectRankGroup: vi.fn<() => Promise<RankGroup>>(),
  describeRank: async () => ({ epoch: 0, rank: 0, seals: [] }),
}));
vi.mock('@tessera/rpc', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  connectRankGroup,
  describeRank,
}));

const refusal = new ServingError('epoch_refused', 'Another one leads.');
const decoder: Member = {
  kind: 'decoder',
  id: 'a',
  address: 'there',
  incarnation: 'first',
  facts: { group: 'a', rank: 0, numRanks: 1, meshAddress: 'mesh' },
};

describe('CellServer', () => {
  let group: FakeRankGroup;
  let states: EventQueue<CandidacyState>;
  let decoders: EventQueue<readonly Member[]>;
  let state: CandidacyState;
  let holder: string | Error | undefined;
  let numAsked: number;
  let cell: CellServer;
  let ending: AbortController;
  let running: Promise<void>;

  beforeEach(() => {
    group = new FakeRankGroup();
    connectRankGroup.mockReset().mockResolvedValue(group);
    states = new EventQueue();
    decoders = new EventQueue();
    state = 'following';
    holder = undefined;
    numAsked = 0;
    ending = new AbortController();
    cell = new CellServer({
      bus: scriptedBus(),
      leaseName: 'leader',
      leaseMs: 3,
      leaderId: 'this one',
      planning: defaultSchedulerConfig,
      silenceMs: 1_000,
      directory: undefined,
      tls: undefined,
      logger: createLogger({ name: 'test', level: 'error' }),
      metrics: createSchedulerMetrics(createMetrics(), () => undefined),
    });
    running = cell.run(ending.signal);
  });

  afterEach(async () => {
    ending.abort();
    await running;
  });

  function scriptedBus() {
    const bus = createMemoryBus(new MemoryHub());
    const candidacy = {
      get state() {
        return state;
      },
      [Symbol.asyncIterator]: () => states[Symbol.asyncIterator](),
    };
    bus.campaign = ({ signal }) => {
      signal.addEventListener('abort', () => states.end());
      return candidacy;
    };
    const watch = bus.watch.bind(bus);
    bus.watch = (kind, signal) => {
      signal.addEventListener('abort', () => decoders.end());
      return kind === 'decoder' ? decoders : watch(kind, signal);
    };
    bus.leaderOf = async () => {
      numAsked++;
      if (holder instanceof Error) throw holder;
      return holder;
    };
    return bus;
  }

  function tell(next: CandidacyState): void {
    state = next;
    states.push(next);
  }

  const expectLeads = (leads: boolean) =>
    expect.poll(async () => (await cell.describe()).isLeader, { interval: 1 }).toBe(leads);

  it('leads while it holds the lease', async () => {
    expect(await cell.describe()).toMatchObject({ isLeader: false, waitingFor: 'the lease' });
    tell('leading');
    await expectLeads(true);
  });

  for (const [who, askedLater] of [
    ['nobody holds it', undefined],
    ['nobody can be asked who does', new Error('away')],
  ] as const) {
    it(`leads on without the lease while ${who}, and stands down when another one does`, async () => {
      tell('leading');
      await expectLeads(true);
      holder = askedLater;
      const { leadership } = cell;
      tell('unsure');
      tell('following');
      await expect.poll(() => numAsked, { interval: 1 }).toBeGreaterThan(2);
      expect(cell.leadership).toBe(leadership);
      holder = 'another one';
      await expectLeads(false);
    });
  }

  it('stands down without the lease when all workers obey another one and nobody else can be asked', async () => {
    holder = new Error('away');
    tell('leading');
    await expectLeads(true);
    decoders.push([decoder]);
    const { scheduler } = cell.leadership!;
    await expect.poll(() => scheduler.snapshot.numGroups, { interval: 1 }).toBe(1);
    tell('unsure');
    tell('following');
    await expect.poll(() => numAsked, { interval: 1 }).toBeGreaterThan(2);
    await expectLeads(true);
    connectRankGroup.mockRejectedValue(refusal);
    group.lose(refusal);
    await expectLeads(false);
  });

  it('goes on with the lease while workers obey another one: they have to let that one go first', async () => {
    connectRankGroup.mockRejectedValue(refusal);
    tell('leading');
    await expectLeads(true);
    decoders.push([decoder]);
    await expect.poll(() => cell.leadership?.isDeserted, { interval: 1 }).toBe(true);
    connectRankGroup.mockResolvedValue(group);
    const { scheduler } = cell.leadership!;
    await expect.poll(() => scheduler.snapshot.numGroups, { interval: 1 }).toBe(1);
  });

  it('leads no more, and runs for nothing, when it cannot follow the members of the cell', async () => {
    tell('leading');
    await expectLeads(true);
    const { scheduler } = cell.leadership!;
    decoders.fail(new Error('The members are unknown.'));
    await expect(running).rejects.toThrow('The members are unknown.');
    running = Promise.resolve();
    expect(cell.leadership).toBeUndefined();
    await expect(
      scheduler.generate(createRequest(), ending.signal)[Symbol.asyncIterator]().next(),
    ).rejects.toMatchObject({ reason: 'not_leader' });
    tell('leading');
    expect((await states[Symbol.asyncIterator]().next()).done).toBe(true);
  });

  it('leads again as before when it gets the lease back', async () => {
    tell('leading');
    await expectLeads(true);
    const { leadership } = cell;
    tell('following');
    tell('leading');
    holder = 'another one, said late';
    await expectLeads(true);
    expect(cell.leadership).toBe(leadership);
  });
});
