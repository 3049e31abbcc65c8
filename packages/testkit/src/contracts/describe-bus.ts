import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ContractBus, ContractCandidacy, ContractMember } from './contract-bus.js';
import { readUntil } from './read-until.js';

const gateway: ContractMember = {
  kind: 'gateway',
  id: 'gateway 0 at host.example',
  address: 'host.example:9000',
  incarnation: 'g0-1',
  facts: { zone: 'a', numClients: 3, isDraining: false },
};
const otherGateway: ContractMember = { ...gateway, id: 'gateway-1', incarnation: 'g1-1', facts: {} };
const decoder: ContractMember = { ...gateway, kind: 'decoder', incarnation: 'd0-1' };

/** What every bus must do. `connect` makes another bus of the same cell each time, and each test has a cell of its own. */
export function describeBus(name: string, startCell: () => Promise<{ connect(): Promise<ContractBus> }>): void {
  describe(`${name} as a bus`, () => {
    let cell: { connect(): Promise<ContractBus> };
    let bus: ContractBus;
    let otherBus: ContractBus;
    let ending: AbortController;
    const buses: ContractBus[] = [];
    const connect = async (): Promise<ContractBus> => {
      const connected = await cell.connect();
      buses.push(connected);
      return connected;
    };
    const watchGateways = (from = bus, signal = ending.signal): AsyncIterator<readonly ContractMember[]> =>
      from.watch('gateway', signal)[Symbol.asyncIterator]();

    beforeEach(async () => {
      ending = new AbortController();
      cell = await startCell();
      bus = await connect();
      otherBus = await connect();
    });
    afterEach(async () => {
      ending.abort();
      for (const connected of buses.splice(0)) await connected.close();
    });

    test('is connected', () => expect(bus.state).toBe('connected'));

    describe('watching', () => {
      test('says at once that nobody is there', async () => {
        expect(await watchGateways().next()).toEqual({ done: false, value: [] });
      });

      test('tells of a member with all its facts, whichever bus announced it', async () => {
        await bus.announce(gateway);
        for (const from of [bus, otherBus]) await readUntil(watchGateways(from), [gateway]);
      });

      test('tells of members that come later, sorted by id', async () => {
        const reader = watchGateways();
        await readUntil(reader, []);
        await otherBus.announce(otherGateway);
        await readUntil(reader, [otherGateway]);
        await otherBus.announce(gateway);
        await readUntil(reader, [gateway, otherGateway]);
      });

      test('sees one kind only, also of members with one id', async () => {
        await otherBus.announce(decoder);
        await otherBus.announce(gateway);
        await readUntil(watchGateways(), [gateway]);
        await readUntil(bus.watch('decoder', ending.signal)[Symbol.asyncIterator](), [decoder]);
      });

      test('tells of new facts, which replace the former ones', async () => {
        const announcement = await otherBus.announce(gateway);
        const reader = watchGateways();
        await readUntil(reader, [gateway]);
        announcement.update({ isDraining: true });
        await readUntil(reader, [{ ...gateway, facts: { isDraining: true } }]);
      });

      test('tells of a member that was withdrawn, once and for all', async () => {
        const announcement = await otherBus.announce(gateway);
        await otherBus.announce(otherGateway);
        const reader = watchGateways();
        await readUntil(reader, [gateway, otherGateway]);
        await announcement.withdraw();
        await readUntil(reader, [otherGateway]);
        announcement.update({ isDraining: true });
        await announcement.withdraw();
        await otherBus.announce({ ...otherGateway, facts: { zone: 'b' } });
        const [changed] = await readUntil(reader, [{ ...otherGateway, facts: { zone: 'b' } }]);
        expect(changed).toHaveLength(1);
      });

      test('tells of the end of a bus as of the end of its members', async () => {
        await otherBus.announce(gateway);
        const reader = watchGateways();
        await readUntil(reader, [gateway]);
        await otherBus.close();
        await readUntil(reader, []);
      });

      test('has a new incarnation in the place of the former, whose end changes nothing', async () => {
        const announcement = await bus.announce(gateway);
        const reader = watchGateways();
        await readUntil(reader, [gateway]);
        const restarted = { ...gateway, incarnation: 'g0-2', address: 'host.example:9001' };
        await otherBus.announce(restarted);
        expect(await readUntil(reader, [restarted])).toHaveLength(1);
        await announcement.withdraw();
        await bus.announce(otherGateway);
        expect(await readUntil(reader, [restarted, otherGateway])).toHaveLength(1);
      });

      test('ends with its signal', async () => {
        const reader = watchGateways();
        await reader.next();
        const next = reader.next();
        ending.abort();
        expect(await next).toEqual({ done: true, value: undefined });
      });

      test('ends with its bus', async () => {
        const reader = watchGateways();
        await reader.next();
        const next = reader.next();
        await bus.close();
        expect(await next).toEqual({ done: true, value: undefined });
      });
    });

    describe('a campaign', () => {
      const ttlMs = 900;
      const run = (from: ContractBus, candidate: string, signal = ending.signal): ContractCandidacy =>
        from.campaign({ name: 'leader', candidate, ttlMs, signal });
      const readerOf = (candidacy: ContractCandidacy) => candidacy[Symbol.asyncIterator]();

      test('makes a single candidate the leader', async () => {
        expect(await bus.leaderOf('leader')).toBeUndefined();
        const candidacy = run(bus, 'a');
        await readUntil(readerOf(candidacy), 'leading');
        expect(candidacy.state).toBe('leading');
        for (const from of [bus, otherBus]) expect(await from.leaderOf('leader')).toBe('a');
      });

      const handOvers = {
        'its signal': async (leaving: AbortController) => leaving.abort(),
        'its bus': async (_: AbortController, leaderBus: ContractBus) => leaderBus.close(),
      };
      for (const [title, leave] of Object.entries(handOvers)) {
        test(`goes to the next candidate when the leader ends with ${title}`, async () => {
          const leaving = new AbortController();
          const leader = run(bus, 'a', leaving.signal);
          await readUntil(readerOf(leader), 'leading');
          const next = run(otherBus, 'b');
          const reader = readerOf(next);
          expect(await readUntil(reader, 'following')).toEqual(['following']);
          await leave(leaving, bus);
          expect(leader.state).toBe('following');
          await readUntil(reader, 'leading');
          expect(await otherBus.leaderOf('leader')).toBe('b');
        });
      }

      test('leaves the lease with a leader that goes on', async () => {
        const reader = readerOf(run(bus, 'a'));
        await readUntil(reader, 'leading');
        const leaving = new AbortController();
        const follower = run(otherBus, 'b', leaving.signal);
        await readUntil(readerOf(follower), 'following');
        leaving.abort();
        expect([follower.state, await bus.leaderOf('leader')]).toEqual(['following', 'a']);
      });

      test('ends the reading with its signal', async () => {
        const reader = readerOf(run(bus, 'a'));
        await readUntil(reader, 'leading');
        const next = reader.next();
        ending.abort();
        expect(await next).toEqual({ done: true, value: undefined });
      });

      test('that begins with an ended signal never leads', async () => {
        const candidacy = run(bus, 'a', AbortSignal.abort());
        expect(await readerOf(candidacy).next()).toEqual({ done: true, value: undefined });
        await readUntil(readerOf(run(otherBus, 'b')), 'leading');
      });

      test('is of its name alone', async () => {
        await readUntil(readerOf(run(bus, 'a')), 'leading');
        const other = otherBus.campaign({ name: 'other', candidate: 'b', ttlMs, signal: ending.signal });
        await readUntil(readerOf(other), 'leading');
        expect([await bus.leaderOf('leader'), await bus.leaderOf('other')]).toEqual(['a', 'b']);
      });
    });
  });
}
