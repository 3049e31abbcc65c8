import type { Member } from '@tessera/bus';
import { type RankGroup, ServingError } from '@tessera/domain';
import { MemoryPageDirectory } from '@tessera/kv';
import type { RankGroupOptions } from '@tessera/rpc';
import { createLogger, createMetrics } from '@tessera/runtime';
import { FakeEncoderFeed, FakeRankGroup } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { defaultSchedulerConfig } from '../scheduler-config.js';
import { createSchedulerMetrics } from '../scheduler-metrics.js';
import { Leadership, notLeading } from './leadership.js';

const workers = vi.hoisted(() => ({
  connectRankGroup: vi.fn<(options: RankGroupOptions, signal: AbortSignal) => Promise<RankGroup>>(),
  describeRank: vi.fn(),
  attachEncoder: vi.fn(),
}));
vi.mock('@tessera/rpc', async (importOriginal) => ({ ...(await importOriginal<object>()), ...workers }));

function decoder(group: string, incarnation = 'first'): Member {
  const facts = { group, rank: 0, numRanks: 1, meshAddress: 'mesh' };
  return { kind: 'decoder', id: group, address: `${group} at home`, incarnation, facts };
}

describe('Leadership', () => {
  let leadership: Leadership;
  let directory: MemoryPageDirectory;
  /** Every group that was connected, in order. */
  let groups: FakeRankGroup[];
  let epochs: number[];
  /** What the next group is like. */
  let next: ConstructorParameters<typeof FakeRankGroup>[0];

  beforeEach(() => {
    vi.clearAllMocks();
    groups = [];
    epochs = [];
    next = {};
    workers.describeRank.mockImplementation(async () => ({ epoch: epochs.at(-1) ?? 0, rank: 0, seals: [] }));
    workers.connectRankGroup.mockImplementation(async ({ groupId, epoch }) => {
      epochs.push(epoch);
      groups.push(new FakeRankGroup({ groupId, ...next }));
      return groups.at(-1)!;
    });
    directory = new MemoryPageDirectory();
    leadership = new Leadership({
      leaderId: 'leader',
      planning: defaultSchedulerConfig,
      silenceMs: 1_000,
      directory,
      tls: undefined,
      logger: createLogger({ name: 'test', level: 'fatal' }),
      metrics: createSchedulerMetrics(createMetrics(), () => undefined),
    });
  });
  afterEach(() => leadership.close(notLeading()));

  const numGroups = () => leadership.scheduler.snapshot.numGroups;
  const lead = async (...members: readonly Member[]): Promise<void> => {
    leadership.setDecoders(members);
    await vi.waitFor(() => expect(numGroups()).toBe(members.length), { interval: 1 });
  };

  test('leads every complete group, each in an epoch above all that it knows of', async () => {
    await directory.open(6);
    await lead(decoder('a'));
    await lead(decoder('a'), decoder('b'));
    expect(epochs).toEqual([7, 8]);
    expect(leadership.epoch).toBe(8);
  });

  test('comes to lead a group again when it is lost', async () => {
    await lead(decoder('a'));
    groups[0]!.lose();
    await vi.waitFor(() => expect([groups.length, numGroups()]).toEqual([2, 1]), { interval: 1 });
  });

  test('lets a group go that the scheduler refuses, and tries again', async () => {
    await lead(decoder('a'));
    next = { description: { modelRevision: 'another' } };
    leadership.setDecoders([decoder('a'), decoder('b')]);
    await vi.waitFor(() => expect(groups).toHaveLength(2), { interval: 1 });
    await expect(groups[1]!.lost).resolves.toMatchObject({ reason: 'shutting_down' });
    next = {};
    await vi.waitFor(() => expect([groups.length, numGroups()]).toEqual([3, 2]), { interval: 1 });
  });

  test('lets a group go that it came to lead too late', async () => {
    let open: (group: RankGroup) => void = () => {};
    workers.connectRankGroup.mockImplementationOnce(() => new Promise((resolve) => (open = resolve)));
    leadership.setDecoders([decoder('a')]);
    await vi.waitFor(() => expect(workers.connectRankGroup).toHaveBeenCalled(), { interval: 1 });
    leadership.setDecoders([]);
    const group = new FakeRankGroup();
    open(group);
    await expect(group.lost).resolves.toMatchObject({ reason: 'shutting_down' });
    expect([numGroups(), leadership.epoch]).toEqual([0, 0]);
  });

  test('leads the new life of a group in place of the old one, and has it in the directory', async () => {
    await lead(decoder('a'));
    leadership.setDecoders([decoder('a', 'second')]);
    await expect(groups[0]!.lost).resolves.toMatchObject({ reason: 'shutting_down' });
    await vi.waitFor(() => expect([groups.length, numGroups()]).toEqual([2, 1]), { interval: 1 });
    await vi.waitFor(async () => expect(await directory.read('a')).toMatchObject({ epoch: 2 }), { interval: 1 });
    leadership.setDecoders([]);
    await vi.waitFor(async () => expect(await directory.groups()).toEqual([]), { interval: 1 });
  });

  test('is deserted when all groups obey another leader, by their last word', async () => {
    const refusal = new ServingError('epoch_refused', 'Another one leads.');
    expect(leadership.isDeserted).toBe(false);
    await lead(decoder('a'), decoder('b'));
    const connect = workers.connectRankGroup.getMockImplementation()!;
    workers.connectRankGroup.mockRejectedValue(refusal);
    for (const [i, isDeserted] of [false, true].entries()) {
      groups[i]!.lose(refusal);
      await vi.waitFor(() => expect(numGroups()).toBe(1 - i), { interval: 1 });
      expect(leadership.isDeserted).toBe(isDeserted);
    }
    workers.connectRankGroup.mockImplementation(connect);
    await vi.waitFor(() => expect(numGroups()).toBe(2), { interval: 1, timeout: 5000 });
    expect(leadership.isDeserted).toBe(false);
  });

  test('is not deserted by workers that are only gone', async () => {
    await lead(decoder('a'));
    workers.connectRankGroup.mockRejectedValueOnce(new ServingError('worker_failed', 'Nobody answers.'));
    groups[0]!.lose();
    await vi.waitFor(() => expect(workers.connectRankGroup).toHaveBeenCalledTimes(2), { interval: 1 });
    expect(leadership.isDeserted).toBe(false);
  });

  test('lets groups and encoders go when it ends', async () => {
    const feed = new FakeEncoderFeed();
    workers.attachEncoder.mockResolvedValue(feed);
    await lead(decoder('a'));
    leadership.setEncoders([{ kind: 'vision-encoder', id: 'e', address: 'there', incarnation: 'first', facts: {} }]);
    await vi.waitFor(() => expect(feed.numListeners).toBe(1), { interval: 1 });
    await leadership.close(notLeading());
    await expect(groups[0]!.lost).resolves.toMatchObject({ reason: 'shutting_down' });
    await vi.waitFor(() => expect(feed.numListeners).toBe(0), { interval: 1 });
  });
});
