import { embeddingKey } from '@tessera/domain';
import {
  createFakeEmbedding,
  createStepPlan,
  FakeDecoderEngine,
  FakeEmbeddingSource,
  SeededRandom,
} from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { Staging } from './staging.js';

const [cat, dog] = ['cat', 'dog'].map(embeddingKey);

describe('Staging', () => {
  let decoder: FakeDecoderEngine;
  let encoder: FakeEmbeddingSource;
  let staging: Staging;
  beforeEach(() => {
    decoder = new FakeDecoderEngine();
    encoder = new FakeEmbeddingSource();
    staging = new Staging(decoder);
    for (const key of [cat, dog]) encoder.put(key, 4);
  });
  const acquire = (key = cat) => staging.acquire(key, () => encoder.fetch(key));

  test('fetches and stages for the first user, and unstages after the last', async () => {
    expect(await acquire()).toBe(true);
    expect(await acquire()).toBe(true);
    expect(staging.numStaged).toBe(1);
    await staging.release(cat);
    expect(decoder.stagedKeys).toEqual([cat]);
    await staging.release(cat);
    expect(staging.numStaged).toBe(0);
    expect(encoder.fetched).toEqual([cat]);
    expect(decoder.stagings).toEqual([
      ['stage', cat],
      ['unstage', cat],
    ]);
  });

  test('shares one fetch among users that come while it runs', async () => {
    const open = encoder.fetches.hold();
    const users = [acquire(), acquire(), acquire(dog)];
    expect(encoder.fetched).toEqual([cat, dog]);
    open();
    expect(await Promise.all(users)).toEqual([true, true, true]);
    expect(decoder.stagedKeys).toEqual([cat, dog]);
  });

  test('says when the rows were not to be had, and counts nobody', async () => {
    encoder.missNextFetch();
    const users = [acquire(), acquire()];
    expect(await Promise.all(users)).toEqual([false, false]);
    expect(staging.numStaged).toBe(0);
    expect(decoder.stagings).toEqual([]);
    encoder.put(cat, 4);
    expect(await acquire()).toBe(true);
  });

  for (const [title, fail] of [
    ['fetch', () => encoder.failNextFetch(new Error('lost'))],
    ['stage', () => decoder.failNextStage(new Error('lost'))],
  ] as const) {
    test(`passes a failure to ${title} on to every user, and tries again for the next`, async () => {
      fail();
      const users = await Promise.allSettled([acquire(), acquire()]);
      for (const user of users) expect(user).toMatchObject({ status: 'rejected', reason: { message: 'lost' } });
      expect(staging.numStaged).toBe(0);
      expect(await acquire()).toBe(true);
    });
  }

  test('unstages what was released while it was on its way', async () => {
    const open = encoder.fetches.hold();
    const user = acquire();
    const released = staging.release(cat);
    open();
    await Promise.all([user, released]);
    expect(decoder.stagedKeys).toEqual([]);
    expect(staging.numStaged).toBe(0);
  });

  test('keeps the rows of a user that came after such a release', async () => {
    const open = encoder.fetches.hold();
    const first = acquire();
    const released = staging.release(cat);
    const second = acquire();
    open();
    await Promise.all([first, released, second]);
    await decoder.step(createStepPlan());
    expect(decoder.stagedKeys).toEqual([cat]);
    expect(staging.numStaged).toBe(1);
  });

  test('releases rows that never came', async () => {
    encoder.failNextFetch(new Error('lost'));
    const open = encoder.fetches.hold();
    const user = acquire();
    const released = staging.release(cat);
    open();
    await expect(user).rejects.toThrow('lost');
    await released;
    expect(decoder.stagings).toEqual([]);
  });

  test('releases nothing for a key that nobody holds', async () => {
    await staging.release(cat);
    expect(decoder.stagings).toEqual([]);
  });

  test('lets go of rows that died with the decoder', async () => {
    await acquire();
    decoder.die();
    await staging.release(cat);
    expect(staging.numStaged).toBe(0);
  });

  test('holds on the decoder exactly what its users hold, whatever they do', async () => {
    const random = new SeededRandom(3);
    const keys = ['a', 'b', 'c'].map(embeddingKey);
    const held: (typeof cat)[] = [];
    const pending = new Set<Promise<unknown>>();
    const settle = (work: Promise<unknown>) => {
      pending.add(work);
      void work.finally(() => pending.delete(work));
    };
    for (let operation = 0; operation < 500; operation++) {
      const key = random.pick(keys);
      if (random.uniform() < 0.5 && held.length > 0) {
        const [released] = held.splice(random.integer(0, held.length - 1), 1);
        settle(staging.release(released));
      } else {
        held.push(key);
        settle(staging.acquire(key, async () => createFakeEmbedding(key, 4, 4)));
      }
      if (random.uniform() < 0.3) await Promise.all(pending);
    }
    await Promise.all(pending);
    expect(new Set(decoder.stagedKeys)).toEqual(new Set(held));
    expect(staging.numStaged).toBe(new Set(held).size);
  });
});
