import type { CellDescription } from '@tessera/domain';
import { createLogger } from '@tessera/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { DescribedScheduler } from '../testing/described-scheduler.js';
import { tinyModel } from '../testing/scripted-scheduler.js';
import type { Cell } from './cell.js';
import { createCell } from './create-cell.js';

const never = new AbortController().signal;
const long = 60_000;

let cell: Cell;
afterEach(() => cell.close());

/** A cell that follows all of these, by their names. */
function follow<Name extends string>(descriptions: Record<Name, Partial<CellDescription> | undefined>) {
  const entries = Object.entries<Partial<CellDescription> | undefined>(descriptions);
  const schedulers = Object.fromEntries(
    entries.map(([name, description]) => [name, new DescribedScheduler(description)]),
  ) as Record<Name, DescribedScheduler>;
  const logger = createLogger({ name: 'cell', stream: { write: () => {} }, isPretty: false });
  cell = createCell({ logger, connect: (address) => schedulers[address as Name], pollMs: 1 });
  cell.follow(Object.keys(schedulers));
  return schedulers;
}
const leaderOf = async () => (await cell.whenReady(long, never)).address;

describe('a cell is led by', () => {
  it('the scheduler that says so', async () => {
    const schedulers = follow({ a: { isLeader: false }, b: {} });
    const leader = await cell.whenReady(long, never);
    expect(leader).toMatchObject({ address: 'b', model: tinyModel, waitingFor: undefined });
    expect(leader.scheduler).toBe(schedulers.b);
    expect(cell.readiness).toEqual({ ready: true });
  });

  it('the one with the highest epoch, when two say so', async () => {
    const { a } = follow({ a: { epoch: 2 }, b: { epoch: 3 }, c: { epoch: 1 } });
    await a.say({ epoch: 2 });
    expect(await leaderOf()).toBe('b');
  });

  it('another one that comes to lead, and what the first one ran is over', async () => {
    const { a, b } = follow({ a: { epoch: 1 }, b: { isLeader: false } });
    const first = await cell.whenReady(long, never);
    await a.say(undefined);
    await b.say({ isLeader: false });
    expect(first.deposed.aborted).toBe(false);
    await b.say({ epoch: 2 });
    const second = await cell.whenReady(long, never);
    expect([first.address, second.address]).toEqual(['a', 'b']);
    expect(first.deposed.reason).toMatchObject({ reason: 'not_leader', message: 'b leads in place of a' });
    expect(second.deposed.aborted).toBe(false);
  });

  it('the same one again, when only its answers failed for a while', async () => {
    const { a } = follow({ a: {} });
    const before = await cell.whenReady(long, never);
    await a.say(undefined);
    await expect.poll(() => cell.readiness.ready).toBe(false);
    await a.say({});
    const after = await cell.whenReady(long, never);
    expect([after.address, after.deposed]).toEqual(['a', before.deposed]);
    expect(before.deposed.aborted).toBe(false);
  });

  it('a leader that the bus no longer names, until it stops answering', async () => {
    const { a, b } = follow({ a: {}, b: { isLeader: false } });
    await leaderOf();
    cell.follow([]);
    expect([await leaderOf(), a.isClosed, b.isClosed]).toEqual(['a', false, true]);
    await a.say(undefined);
    await expect.poll(() => a.isClosed).toBe(true);
    expect(cell.readiness.ready).toBe(false);
  });
});

describe('a cell that does not serve', () => {
  const cases = [
    ['no scheduler', {}, 'a scheduler'],
    ['a scheduler that does not answer', { a: undefined }, 'a scheduler'],
    ['standbys only', { a: { isLeader: false }, b: { isLeader: false } }, 'a scheduler that leads'],
    [
      'a leader without rank groups',
      { a: { isReady: false, waitingFor: 'a rank group', model: undefined } },
      'a rank group',
    ],
    ['a leader without encoders', { a: { isReady: false, waitingFor: 'an encoder' } }, 'an encoder'],
  ] as const;
  for (const [what, descriptions, missing] of cases) {
    it(`tells what it waits for: ${what}`, async () => {
      const said: Record<string, Partial<CellDescription> | undefined> = descriptions;
      const schedulers = follow(said);
      await Promise.all(Object.entries(schedulers).map(([name, scheduler]) => scheduler.say(said[name])));
      await expect.poll(() => cell.readiness).toEqual({ ready: false, reason: `waiting for ${missing}` });
      await expect(cell.whenReady(0, never)).rejects.toMatchObject({
        reason: 'not_ready',
        message: `the server is not ready: it waits for ${missing}`,
        facts: { waitingFor: missing, retryAfterSeconds: 1 },
      });
    });
  }

  it('is waited for', async () => {
    const { a } = follow({ a: undefined });
    const ready = cell.whenReady(long, never);
    const known = cell.whenKnown(long, never);
    await a.say({ isReady: false, waitingFor: 'an encoder' });
    expect((await known).waitingFor).toBe('an encoder');
    await a.say({});
    expect((await ready).waitingFor).toBeUndefined();
  });

  it('is waited for no longer than the client stays', async () => {
    follow({});
    const client = new AbortController();
    const reason = new Error('the client left');
    const ready = cell.whenReady(long, client.signal);
    client.abort(reason);
    await expect(ready).rejects.toBe(reason);
  });
});

it('a leader of another model is none for a request that runs', async () => {
  const { a } = follow({ a: {} });
  await leaderOf();
  await expect(cell.whenLed('another revision', 0, never)).rejects.toMatchObject({
    reason: 'not_ready',
    facts: { waitingFor: 'a leader of the same model' },
  });
  const led = cell.whenLed('another revision', long, never);
  await a.say({ model: { ...tinyModel, revision: 'another revision' } });
  expect((await led).model.revision).toBe('another revision');
});

it('a closed cell follows nobody, whoever is named to it', async () => {
  const logger = createLogger({ name: 'cell', stream: { write: () => {} }, isPretty: false });
  const connected: string[] = [];
  const connect = (address: string) => {
    connected.push(address);
    return new DescribedScheduler({});
  };
  cell = createCell({ logger, connect, pollMs: 1 });
  cell.follow(['a']);
  await leaderOf();
  await cell.close();
  cell.follow(['b']);
  expect(connected).toEqual(['a']);
});
