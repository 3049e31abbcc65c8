import { embeddingKey } from '@tessera/domain';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeEncoderFeed } from './fake-encoder-feed.js';

const [cat, dog] = ['cat', 'dog'].map(embeddingKey);
const nothing = { ready: [], evicted: [], failed: [], numPendingPatches: 0 };

describe('FakeEncoderFeed', () => {
  let feed: FakeEncoderFeed;
  let listening: AbortController;
  beforeEach(() => {
    feed = new FakeEncoderFeed();
    listening = new AbortController();
  });
  const listen = () => feed.updates(listening.signal)[Symbol.asyncIterator]();

  test('begins with all that is held, then gives every change in order', async () => {
    for (const key of [cat, dog]) feed.ready(key);
    feed.evict(cat);
    const updates = listen();
    expect((await updates.next()).value).toEqual({ ...nothing, ready: [dog] });
    feed.ready(cat);
    feed.evict(cat);
    feed.fail('t1', dog);
    feed.setPendingPatches(16);
    expect((await updates.next()).value).toEqual({ ...nothing, ready: [cat] });
    expect((await updates.next()).value).toEqual({ ...nothing, evicted: [cat] });
    expect((await updates.next()).value).toEqual({ ...nothing, failed: [{ ticket: 't1', embeddingKey: dog }] });
    expect((await updates.next()).value).toEqual({ ...nothing, numPendingPatches: 16 });
  });

  test('ends for whoever leaves and goes on for others', async () => {
    const [leaving, staying] = [listen(), feed.updates(new AbortController().signal)[Symbol.asyncIterator]()];
    await Promise.all([leaving.next(), staying.next()]);
    const coming = leaving.next();
    listening.abort();
    expect(await coming).toEqual({ done: true, value: undefined });
    expect(feed.numListeners).toBe(1);
    feed.ready(cat);
    expect((await staying.next()).value).toEqual({ ...nothing, ready: [cat] });
  });

  test('fails for all who listen or come when the encoder is lost', async () => {
    const updates = listen();
    await updates.next();
    feed.lose();
    for (const each of [updates, listen()])
      await expect(each.next()).rejects.toMatchObject({ reason: 'worker_failed' });
    expect(feed.numListeners).toBe(0);
  });
});
