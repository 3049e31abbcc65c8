import { beforeEach, describe, expect, it } from 'vitest';
import { HeldLease } from './held-lease.js';
import type { LeaseHolder, LeaseStore } from './lease-store.js';

const ttlMs = 300;

describe('HeldLease', () => {
  let nowMs: number;
  let store: FakeStore;
  let lease: HeldLease;
  let rival: HeldLease;
  const now = () => nowMs;
  const open = async () => store;
  const createLease = (candidate: string) =>
    new HeldLease({ holder: { candidate, token: `${candidate}-token` }, ttlMs, now });

  beforeEach(() => {
    nowMs = 1_000;
    store = new FakeStore(now);
    lease = createLease('a');
    rival = createLease('b');
  });

  it('follows before it has asked', () => expect(lease.state).toBe('following'));

  it('is of the first that asks, who renews it', async () => {
    for (const _ of [1, 2, 3]) {
      await lease.hold(open);
      await rival.hold(open);
      expect([lease.state, rival.state]).toEqual(['leading', 'following']);
      nowMs += ttlMs - 1;
    }
  });

  it('goes to another once it was not renewed in time', async () => {
    await lease.hold(open);
    nowMs += ttlMs;
    expect(lease.state).toBe('following');
    await rival.hold(open);
    await lease.hold(open);
    expect([lease.state, rival.state]).toEqual(['following', 'leading']);
  });

  it('ends before it does in the store, whatever time the answer took', async () => {
    store.beforeWrite = () => {
      nowMs += 100;
    };
    store.afterWrite = () => {
      nowMs += 150;
    };
    await lease.hold(open);
    expect([lease.state, lease.remainingMs]).toEqual(['leading', 50]);
    nowMs += 50;
    expect([lease.state, lease.remainingMs]).toEqual(['following', 0]);
    expect(await store.read()).toBeDefined();
  });

  it('does not lead on an answer that came after its end', async () => {
    store.afterWrite = () => {
      nowMs += ttlMs;
    };
    await lease.hold(open);
    expect(lease.state).toBe('following');
  });

  it('is unsure when it could not renew, until the lease ends', async () => {
    await lease.hold(open);
    store.isAway = true;
    nowMs += 100;
    await expect(lease.hold(open)).rejects.toThrow('away');
    expect([lease.state, lease.remainingMs]).toEqual(['unsure', 200]);
    nowMs += 200;
    expect(lease.state).toBe('following');
  });

  it('leads again when it can renew in time', async () => {
    await lease.hold(open);
    store.isAway = true;
    await expect(lease.hold(open)).rejects.toThrow('away');
    store.isAway = false;
    await lease.hold(open);
    expect([lease.state, lease.remainingMs]).toEqual(['leading', ttlMs]);
  });

  it('stays with its holder when the answer to a renewal was lost', async () => {
    await lease.hold(open);
    store.afterWrite = () => {
      throw new Error('lost');
    };
    await expect(lease.hold(open)).rejects.toThrow('lost');
    store.afterWrite = () => {};
    await lease.hold(open);
    expect(lease.state).toBe('leading');
  });

  it('is taken again by its holder when the store has forgotten it', async () => {
    await lease.hold(open);
    store.entry = undefined;
    await lease.hold(open);
    expect(lease.state).toBe('leading');
  });

  it('is free at once when its holder resigns', async () => {
    await lease.hold(open);
    await store.free(lease.resign()!);
    await rival.hold(open);
    expect([lease.state, rival.state]).toEqual(['following', 'leading']);
  });

  it('has nothing to free when it never was held', async () => {
    await rival.hold(open);
    await lease.hold(open);
    expect(lease.resign()).toBeUndefined();
  });

  it('is of another campaign of the same candidate only after it ended', async () => {
    const again = new HeldLease({ holder: { candidate: 'a', token: 'another' }, ttlMs, now });
    await lease.hold(open);
    await again.hold(open);
    expect(again.state).toBe('following');
  });
});

/** Forgets what was not written for the time of the lease. */
class FakeStore implements LeaseStore {
  isAway = false;
  beforeWrite = () => {};
  afterWrite = () => {};
  entry: { readonly holder: LeaseHolder; readonly revision: number; readonly writtenAtMs: number } | undefined;
  readonly #now: () => number;
  #numWrites = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  async create(holder: LeaseHolder): Promise<number | undefined> {
    return this.#current === undefined ? this.#write(holder) : undefined;
  }

  async renew(holder: LeaseHolder, revision: number): Promise<number | undefined> {
    return this.#current?.revision === revision ? this.#write(holder) : undefined;
  }

  async read() {
    return this.#current;
  }

  async free(revision: number): Promise<void> {
    if (this.#current?.revision === revision) this.entry = undefined;
  }

  get #current() {
    if (this.isAway) throw new Error('away');
    const isHeld = this.entry !== undefined && this.#now() < this.entry.writtenAtMs + ttlMs;
    return isHeld ? this.entry : undefined;
  }

  #write(holder: LeaseHolder): number {
    this.beforeWrite();
    this.#numWrites += 1;
    this.entry = { holder, revision: this.#numWrites, writtenAtMs: this.#now() };
    this.afterWrite();
    return this.#numWrites;
  }
}
