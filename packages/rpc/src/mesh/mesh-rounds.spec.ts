import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MeshRounds } from './mesh-rounds.js';
import { maxChunkBytes, type ShareChunk } from './mesh-share.js';

const stepTimeoutMs = 1000;
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

/** What rank 1 of 3 sends, and what the others send it. */
describe('the rounds of rank 1 of 3', () => {
  let sent: (readonly [peer: number, chunk: ShareChunk])[];
  let rounds: MeshRounds;
  beforeEach(() => {
    vi.useFakeTimers();
    sent = [];
    const send = (peer: number, chunk: ShareChunk) => sent.push([peer, chunk]);
    rounds = new MeshRounds({ rank: 1, numRanks: 3, stepTimeoutMs, send });
  });
  afterEach(() => vi.useRealTimers());

  const exchange = (own = 1) => rounds.exchange((rank) => bytes(own, rank));
  const receive = (peer: number, round: number, ...data: number[]) =>
    rounds.receive(peer, { round, data: bytes(...data), isLast: true });

  test('send each rank its share and gather theirs in rank order', async () => {
    const shares = exchange(9);
    receive(2, 0, 22);
    receive(0, 0, 20);
    expect(await shares).toEqual([bytes(20), bytes(9, 1), bytes(22)]);
    expect(sent).toEqual([
      [0, { round: 0, data: bytes(9, 0), isLast: true }],
      [2, { round: 0, data: bytes(9, 2), isLast: true }],
    ]);
  });

  test('put a share together that comes in parts', async () => {
    const shares = exchange();
    receive(2, 0);
    for (const [i, isLast] of [false, false, true].entries()) rounds.receive(0, { round: 0, data: bytes(i), isLast });
    expect((await shares)[0]).toEqual(bytes(0, 1, 2));
  });

  test('cut a large share into messages', () => {
    void rounds.exchange(() => new Uint8Array(2 * maxChunkBytes + 5));
    const toRank0 = sent.flatMap(([peer, chunk]) => (peer === 0 ? [[chunk.data.length, chunk.isLast]] : []));
    expect(toRank0).toEqual([
      [maxChunkBytes, false],
      [maxChunkBytes, false],
      [5, true],
    ]);
  });

  test('keep what comes before its round', async () => {
    receive(2, 0, 1);
    const first = exchange();
    receive(2, 1, 2);
    receive(0, 0, 3);
    expect(await first).toEqual([bytes(3), bytes(1, 1), bytes(1)]);
    const second = exchange();
    receive(0, 1, 4);
    expect(await second).toEqual([bytes(4), bytes(1, 1), bytes(2)]);
  });

  test('hand out memory that is aligned, however the message was', async () => {
    const shares = exchange();
    const message = new Uint8Array(13).fill(7);
    for (const peer of [0, 2]) rounds.receive(peer, { round: 0, data: message.subarray(1), isLast: true });
    for (const share of (await shares).filter((_, rank) => rank !== 1)) {
      expect(share.byteOffset % 8).toBe(0);
      expect(share.buffer.byteLength).toBe(12);
    }
  });

  for (const [title, messages] of [
    ['a round ahead of its own count', [[0, 1]]],
    [
      'two rounds ahead of this one',
      [
        [0, 0],
        [0, 1],
      ],
    ],
    [
      'back in a round that is over',
      [
        [0, 0],
        [0, 0],
      ],
    ],
  ] as const) {
    test(`fail when a rank is ${title}`, async () => {
      for (const [peer, round] of messages) receive(peer, round);
      await expect(exchange()).rejects.toMatchObject({ reason: 'internal', facts: { rank: 0 } });
    });
  }

  test('fail when somebody does not come, and name them', async () => {
    const failed = expect(exchange()).rejects.toMatchObject({
      reason: 'worker_failed',
      message: 'Rank 0 said nothing in round 0 for 1000 ms.',
      facts: { rank: 0, limit: stepTimeoutMs },
    });
    receive(2, 0);
    vi.advanceTimersByTime(stepTimeoutMs);
    await failed;
    await expect(exchange()).rejects.toThrow('Rank 0 said nothing in round 0');
  });

  test('take their time between rounds', async () => {
    for (let round = 0; round < 3; round++) {
      const shares = exchange();
      vi.advanceTimersByTime(stepTimeoutMs - 1);
      for (const peer of [0, 2]) receive(peer, round);
      await shares;
      vi.advanceTimersByTime(10 * stepTimeoutMs);
    }
  });

  test('reject what is open and all that follows once they failed, with the first reason', async () => {
    const open = exchange();
    rounds.fail(new Error('rank 2 is gone'));
    rounds.fail(new Error('rank 0 is gone'));
    await expect(open).rejects.toThrow('rank 2 is gone');
    await expect(exchange()).rejects.toThrow('rank 2 is gone');
  });

  test('do not begin while one is open', () => {
    void exchange();
    expect(() => exchange()).toThrow('Round 1 begins while round 0 is open.');
  });
});

test('a rank alone needs nobody', async () => {
  const rounds = new MeshRounds({ rank: 0, numRanks: 1, stepTimeoutMs, send: () => expect.unreachable() });
  expect(await rounds.exchange(() => bytes(5))).toEqual([bytes(5)]);
});
