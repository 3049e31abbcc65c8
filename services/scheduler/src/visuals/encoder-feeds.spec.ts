import { embeddingKey } from '@tessera/domain';
import { createVisualRequest, FakeEncoderFeed } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SchedulerWorld } from '../testing/scheduler-world.js';
import { tokensAlone } from '../testing/tokens-alone.js';

const { signal } = new AbortController();

describe('the encoders of a cell', () => {
  let world: SchedulerWorld;
  beforeEach(() => {
    world = new SchedulerWorld({ numGroups: 0, numEncoders: 0 });
  });
  afterEach(async () => {
    await world.settled();
    world.scheduler.checkIntegrity();
  });
  const numEncoders = () => world.scheduler.snapshot.numEncoders;

  for (const [what, given, message] of [
    ['of another model', { modelRevision: 'other' }, 'other, rows of 4; the cell takes fake, rows of 4'],
    ['with rows of another length', { hiddenSize: 8 }, 'fake, rows of 8; the cell takes fake, rows of 4'],
  ] as const) {
    test(`are refused ${what}`, async () => {
      world.addGroup();
      const feed = new FakeEncoderFeed('odd', given);
      await expect(world.scheduler.addEncoder(feed, signal)).rejects.toMatchObject({
        reason: 'invalid_option',
        message: expect.stringContaining(message),
      });
      expect([numEncoders(), feed.numListeners]).toEqual([0, 0]);
    });

    test(`are let go when a group comes and they are ${what}, and nothing of theirs is used`, async () => {
      const feed = new FakeEncoderFeed('odd', given);
      feed.ready(embeddingKey('cat'));
      const refused = expect(world.scheduler.addEncoder(feed, signal)).rejects.toMatchObject({
        reason: 'invalid_option',
      });
      world.addEncoder();
      await world.settled();
      expect(numEncoders()).toBe(2);
      world.addGroup();
      expect(numEncoders()).toBe(1);
      await refused;
      expect(feed.numListeners).toBe(0);
      const asked = createVisualRequest(['cat']);
      expect((await world.run(asked)).tokens).toEqual(await tokensAlone(asked));
      expect(world.uploads).toMatchObject([{ encoderAddress: 'encoder-0' }]);
    });
  }

  test('are not known any more once they are lost, or their signal aborts', async () => {
    const ending = new AbortController();
    const [lost, left] = ['lost', 'left'].map((address) => new FakeEncoderFeed(address)) as [
      FakeEncoderFeed,
      FakeEncoderFeed,
    ];
    const ends = [
      expect(world.scheduler.addEncoder(lost, signal)).rejects.toMatchObject({ reason: 'worker_failed' }),
      expect(world.scheduler.addEncoder(left, ending.signal)).resolves.toBeUndefined(),
    ];
    await world.settled();
    expect(numEncoders()).toBe(2);
    lost.lose();
    ending.abort();
    await Promise.all(ends);
    expect(numEncoders()).toBe(0);
  });
});
