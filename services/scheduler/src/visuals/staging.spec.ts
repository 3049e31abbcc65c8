import { type EmbeddingKey, EventQueue, embeddingKey, ServingError } from '@tessera/domain';
import { createVisualRequest, FakeEmbeddingStore, FakeRankGroup } from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { Sequence } from '../sequence.js';
import { Staging } from './staging.js';

const [cat, dog] = ['cat', 'dog'].map(embeddingKey) as [EmbeddingKey, EmbeddingKey];
let numSequences = 0;
const sequenceWith = (...keys: readonly string[]): Sequence =>
  new Sequence(createVisualRequest(keys), new EventQueue(), numSequences++);
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('Staging', () => {
  let store: FakeEmbeddingStore;
  let group: FakeRankGroup;
  let staging: Staging;
  let heard: [what: string, key: EmbeddingKey, users: readonly Sequence[]][];

  beforeEach(() => {
    store = new FakeEmbeddingStore();
    group = new FakeRankGroup({ stores: new Map([['encoder', store]]) });
    heard = [];
    staging = new Staging({
      group,
      capacityTokens: 8,
      holderOf: (key) => (store.holds(key) ? 'encoder' : undefined),
      onStaged: (key, users) => heard.push(['staged', key, users]),
      onMiss: (address, key, users) => heard.push([`missed at ${address}`, key, users]),
      onFailed: (key, { message }, users) => heard.push([message, key, users]),
    });
    store.put(cat, 4);
  });
  const reserve = (sequence: Sequence) => staging.reserve(sequence, sequence.visuals);

  test('gets what can be fetched for the first user, and drops it after the last', async () => {
    const [first, second] = [sequenceWith('cat'), sequenceWith('cat')];
    expect([reserve(first), reserve(second)]).toEqual([true, true]);
    await settled();
    expect(heard).toEqual([['staged', cat, [first, second]]]);
    expect(group.engine.stagedKeys).toEqual([cat]);
    staging.release(first, cat);
    await settled();
    expect(group.engine.stagedKeys).toEqual([cat]);
    staging.release(second, cat);
    await settled();
    expect(group.engine.stagedKeys).toEqual([]);
    expect(store.fetched).toEqual([cat]);
    expect(staging.numEmbeddings).toBe(0);
  });

  test('tells a late user at once that the rows are there', async () => {
    reserve(sequenceWith('cat'));
    await settled();
    const late = sequenceWith('cat');
    reserve(late);
    expect(heard.at(-1)).toEqual(['staged', cat, [late]]);
  });

  test('waits with what no encoder holds until it is told', async () => {
    const sequence = sequenceWith('cat', 'dog');
    reserve(sequence);
    expect([staging.isComing(cat), staging.isComing(dog)]).toEqual([true, false]);
    await settled();
    expect([staging.isStaged(cat), staging.isStaged(dog)]).toEqual([true, false]);
    store.put(dog, 4);
    staging.fetch(dog);
    staging.fetch(dog);
    await settled();
    expect(store.fetched).toEqual([cat, dog]);
    expect(staging.isStaged(dog)).toBe(true);
  });

  test('gets nothing that nobody has room for', () => {
    staging.fetch(cat);
    expect(store.fetched).toEqual([]);
  });

  test('refuses what does not fit, and reserves none of it', () => {
    reserve(sequenceWith('cat'));
    expect(reserve(sequenceWith('cat', 'dog', 'owl'))).toBe(false);
    expect(staging.numEmbeddings).toBe(1);
  });

  for (const [what, fail] of [
    ['the encoder does not hold it any more', () => store.missNextFetch()],
    ['the encoder cannot be reached', () => store.failNextFetch(new ServingError('worker_failed', 'It is gone.'))],
  ] as const) {
    test(`tells its users when ${what}, and gets it again when told`, async () => {
      fail();
      const sequence = sequenceWith('cat');
      reserve(sequence);
      await settled();
      expect(heard).toEqual([['missed at encoder', cat, [sequence]]]);
      expect(staging.isComing(cat)).toBe(false);
      store.put(cat, 4);
      staging.fetch(cat);
      await settled();
      expect(staging.isStaged(cat)).toBe(true);
    });
  }

  for (const [what, fail, message] of [
    ['the encoder gives other rows', () => store.failNextFetch(new Error('7 rows.')), '7 rows.'],
    ['the ranks cannot take it', () => group.engine.failNextStage(), 'The staging failed.'],
  ] as const) {
    test(`fails its users with the reason when ${what}, and leaves no rows behind`, async () => {
      fail();
      const sequence = sequenceWith('cat');
      reserve(sequence);
      await settled();
      expect(heard).toEqual([[message, cat, [sequence]]]);
      expect(group.engine.stagings.at(-1)).toEqual(['unstage', cat]);
      staging.releaseAll(sequence);
      expect(staging.numEmbeddings).toBe(0);
    });
  }

  test('fails nobody when the group is lost, for whatever reason', async () => {
    const open = store.fetches.hold();
    const sequence = sequenceWith('cat');
    reserve(sequence);
    void group.lost.then(() => process.nextTick(() => staging.releaseAll(sequence)));
    group.lose(new ServingError('epoch_refused', 'Another one leads.'));
    open();
    await settled();
    expect(heard).toEqual([]);
  });

  test('drops what was released on its way, and says nothing of it', async () => {
    const open = store.fetches.hold();
    const sequence = sequenceWith('cat');
    reserve(sequence);
    staging.releaseAll(sequence);
    open();
    await settled();
    expect(heard).toEqual([]);
    expect(group.engine.stagedKeys).toEqual([]);
  });

  test('keeps the rows of a user that came after such a release', async () => {
    const open = store.fetches.hold();
    const [first, second] = [sequenceWith('cat'), sequenceWith('cat')];
    reserve(first);
    staging.releaseAll(first);
    reserve(second);
    open();
    await settled();
    expect(heard).toEqual([['staged', cat, [second]]]);
    expect(group.engine.stagedKeys).toEqual([cat]);
  });

  test('lets go of rows that died with the group', async () => {
    const sequence = sequenceWith('cat');
    reserve(sequence);
    await settled();
    group.lose();
    staging.releaseAll(sequence);
    await settled();
    expect(staging.numEmbeddings).toBe(0);
  });
});
