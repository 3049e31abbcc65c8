import { getEventListeners } from 'node:events';
import { type EmbeddingKey, type EncoderUpdate, embeddingKey } from '@tessera/domain';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EncoderUpdates } from './encoder-updates.js';

const [cat, dog, owl] = ['cat', 'dog', 'owl'].map(embeddingKey);

let atEnd: AbortController;
beforeEach(() => {
  atEnd = new AbortController();
});
afterEach(() => atEnd.abort());

/** Listens by hand: the first update is taken at once. */
async function listen(updates: EncoderUpdates, held: readonly EmbeddingKey[] = [], signal = atEnd.signal) {
  const iterator = updates.listen(() => held, signal)[Symbol.asyncIterator]();
  const next = async (): Promise<EncoderUpdate | undefined> => (await iterator.next()).value;
  return { first: await next(), next, leave: () => iterator.return?.() };
}

const update = (changes: Partial<EncoderUpdate> = {}): EncoderUpdate => ({
  ready: [],
  evicted: [],
  failed: [],
  numPendingPatches: 0,
  ...changes,
});

describe('EncoderUpdates', () => {
  test('begins with all that is held', async () => {
    const updates = new EncoderUpdates();
    updates.setPendingPatches(7);
    const { first } = await listen(updates, [cat, dog]);
    expect(first).toEqual(update({ ready: [cat, dog], numPendingPatches: 7 }));
  });

  test('joins the changes of a turn, whatever they are', async () => {
    const updates = new EncoderUpdates();
    const { next } = await listen(updates);
    const coming = next();
    updates.ready(cat);
    await new Promise(process.nextTick);
    updates.ready(dog);
    updates.failed(['t1', 't2'], owl);
    updates.setPendingPatches(3);
    expect(await coming).toEqual(
      update({
        ready: [cat, dog],
        failed: [
          { ticket: 't1', embeddingKey: owl },
          { ticket: 't2', embeddingKey: owl },
        ],
        numPendingPatches: 3,
      }),
    );
  });

  test('tells of a change of nothing but the patches', async () => {
    const updates = new EncoderUpdates();
    const { next } = await listen(updates);
    updates.setPendingPatches(3);
    expect(await next()).toEqual(update({ numPendingPatches: 3 }));
  });

  const merges: readonly (readonly [changes: string, expected: readonly Partial<EncoderUpdate>[]])[] = [
    ['came', [{ ready: [cat] }]],
    ['went', [{ evicted: [cat] }]],
    ['came, came', [{ ready: [cat] }]],
    ['went, came', [{ ready: [cat] }]],
    ['came, went', [{ ready: [cat] }, { evicted: [cat] }]],
    ['came, went, came', [{ ready: [cat] }]],
    ['went, came, went', [{ ready: [cat] }, { evicted: [cat] }]],
    ['came, went, came, went', [{ ready: [cat] }, { evicted: [cat] }]],
  ];
  for (const [changes, expected] of merges) {
    test(`tells a slow listener of a key that ${changes} in as few updates as keep the end right`, async () => {
      const updates = new EncoderUpdates();
      const { next } = await listen(updates);
      for (const change of changes.split(', ')) {
        if (change === 'came') updates.ready(cat);
        else updates.evicted(cat);
      }
      for (const each of expected) expect(await next()).toEqual(update(each));
      updates.ready(dog);
      expect(await next()).toEqual(update({ ready: [dog] }));
    });
  }

  test('tells each listener what it has not heard, at its own speed', async () => {
    const updates = new EncoderUpdates();
    const [fast, slow] = [await listen(updates), await listen(updates)];
    updates.ready(cat);
    expect(await fast.next()).toEqual(update({ ready: [cat] }));
    updates.ready(dog);
    expect(await fast.next()).toEqual(update({ ready: [dog] }));
    expect(await slow.next()).toEqual(update({ ready: [cat, dog] }));
  });

  test('lets a listener go that takes nothing, and keeps the others', async () => {
    const updates = new EncoderUpdates(3);
    const [stalled, attentive] = [await listen(updates), await listen(updates, [owl])];
    for (const change of [
      () => updates.ready(cat),
      () => updates.failed(['t1', 't2'], dog),
      () => updates.evicted(owl),
      () => updates.ready(dog),
      () => updates.failed(['t3'], dog),
    ]) {
      change();
      await attentive.next();
    }
    await expect(stalled.next()).rejects.toMatchObject({ reason: 'queue_full', facts: { limit: 3 } });
    expect(updates.numListeners).toBe(1);
  });

  test('ends quietly on abort, whether it waits or not, and leaves nothing behind', async () => {
    const updates = new EncoderUpdates();
    const controller = new AbortController();
    const [waiting, between] = [
      await listen(updates, [], controller.signal),
      await listen(updates, [], controller.signal),
    ];
    const coming = waiting.next();
    controller.abort();
    expect(await coming).toBeUndefined();
    expect(await between.next()).toBeUndefined();
    expect(updates.numListeners).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  test('forgets a listener that leaves', async () => {
    const updates = new EncoderUpdates();
    const { leave } = await listen(updates);
    expect(updates.numListeners).toBe(1);
    await leave();
    expect(updates.numListeners).toBe(0);
  });

  test('tells what it knows before the end, then why it ended, at once to whoever comes later', async () => {
    const updates = new EncoderUpdates();
    const [behind, waiting] = [await listen(updates), await listen(updates)];
    updates.ready(cat);
    await waiting.next();
    const coming = waiting.next();
    updates.end(new Error('gone'));
    await expect(coming).rejects.toThrow('gone');
    expect(await behind.next()).toEqual(update({ ready: [cat] }));
    await expect(behind.next()).rejects.toThrow('gone');
    await expect(listen(updates)).rejects.toThrow('gone');
  });
});
