import {
  type EmbeddingKey,
  type EmbeddingStore,
  type EncoderFeed,
  embeddingKey,
  ServingError,
  type VisionEncoder,
} from '@tessera/domain';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEncodeJob } from '../factories/create-encode-job.js';
import { FakeEncoderEngine } from '../fakes/fake-encoder-engine.js';
import { FakeMediaDecoders } from '../fakes/fake-media-decoders.js';
import { FeedFollower } from './feed-follower.js';

/** What an encoder under test is made of. Its cache must hold `cacheBytes`. */
export interface VisionEncoderParts {
  readonly engine: FakeEncoderEngine;
  readonly decoders: FakeMediaDecoders;
  readonly cacheBytes: number;
}

/** An encoder as gateways, decoders and the scheduler see it. */
export interface VisionEncoderWorld {
  readonly encoder: VisionEncoder;
  readonly store: EmbeddingStore;
  readonly feed: Omit<EncoderFeed, 'address'>;
  close(): Promise<void>;
}

const [cat, dog, owl] = ['cat', 'dog', 'owl'].map(embeddingKey);
const hiddenSize = 4;
const numPatches = 16;
/** Of one picture of `createEncodeJob`. */
const embeddingBytes = (numPatches / 4) * hiddenSize * 4;

/** What every encoder must do, in this process or behind a wire. `create` makes one that holds nothing. */
export function describeVisionEncoder(
  name: string,
  create: (parts: VisionEncoderParts) => Promise<VisionEncoderWorld>,
): void {
  describe(`${name} as a vision encoder`, () => {
    let parts: VisionEncoderParts;
    let world: VisionEncoderWorld;
    let listening: AbortController;
    beforeEach(async () => {
      parts = {
        engine: new FakeEncoderEngine({ hiddenSize }),
        decoders: new FakeMediaDecoders(),
        cacheBytes: 2 * embeddingBytes,
      };
      world = await create(parts);
      listening = new AbortController();
    });
    afterEach(async () => {
      listening.abort();
      await world.close();
    });

    const never = new AbortController().signal;
    const encode = (key: EmbeddingKey, signal = never): Promise<void> =>
      world.encoder.encode(createEncodeJob({ embeddingKey: key }), signal);
    const follow = async (): Promise<FeedFollower> => {
      const follower = new FeedFollower(world.feed, listening.signal);
      await follower.until(() => true);
      return follower;
    };

    test('says what it is', () => {
      expect(world.feed.description).toEqual({ modelRevision: 'fake', hiddenSize, cacheBytes: 2 * embeddingBytes });
    });

    test('gives the rows of what it encoded, as often as they are asked for', async () => {
      await encode(cat);
      const [expected] = await parts.engine.encode(parts.engine.encoded.slice(0, 1));
      for (let i = 0; i < 2; i++) {
        const fetched = await world.store.fetch(cat);
        expect(fetched).toEqual({ embeddingKey: cat, numTokens: 4, data: expected });
        structuredClone(fetched, { transfer: [fetched?.data.buffer as ArrayBuffer] });
      }
    });

    test('says so when it does not hold an embedding', async () => {
      expect(await world.store.fetch(cat)).toBeUndefined();
    });

    test('evicts what was used least recently, and tells', async () => {
      const follower = await follow();
      for (const key of [cat, dog]) await encode(key);
      await world.store.fetch(cat);
      await encode(owl);
      await follower.until(({ held }) => held.has(owl) && !held.has(dog));
      expect([...follower.held]).toEqual([cat, owl]);
      expect(await world.store.fetch(dog)).toBeUndefined();
    });

    test('encodes nothing that it holds, and says once more that it is ready', async () => {
      await encode(cat);
      const follower = await follow();
      follower.held.clear();
      await encode(cat);
      await follower.until(({ held }) => held.has(cat));
      expect(parts.engine.encoded).toHaveLength(1);
    });

    test('tells whoever comes late all that it holds', async () => {
      for (const key of [cat, dog]) await encode(key);
      const follower = await follow();
      expect([...follower.held].sort()).toEqual([cat, dog]);
    });

    test('tells all who listen', async () => {
      const followers = await Promise.all([follow(), follow(), follow()]);
      await encode(cat);
      for (const follower of followers) {
        await follower.until(({ held, numPendingPatches: pending }) => held.has(cat) && pending === 0);
      }
    });

    test('counts the patches that wait, and none when all is done', async () => {
      const follower = await follow();
      const open = parts.decoders.hold();
      const jobs = [cat, dog].map((key) => encode(key));
      await follower.until(({ numPendingPatches: pending }) => pending === 2 * numPatches);
      open();
      await Promise.all(jobs);
      await follower.until(({ numPendingPatches: pending }) => pending === 0);
      expect([...follower.held].sort()).toEqual([cat, dog]);
    });

    test('tells gateways why a job came to nothing, and listeners that its ticket is open again', async () => {
      const follower = await follow();
      parts.decoders.failNext(new ServingError('media_undecodable', 'Half a cat.', { numBytes: 3 }));
      const failure = await encode(cat).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(ServingError);
      expect(failure).toMatchObject({ reason: 'media_undecodable', message: 'Half a cat.', facts: { numBytes: 3 } });
      await follower.until(({ failed }) => failed.length > 0);
      expect(follower.failed).toEqual([{ ticket: 'ticket of cat', embeddingKey: cat }]);
      await encode(cat);
      expect(await world.store.fetch(cat)).toBeDefined();
    });

    test('stops a job that nobody waits for any more, and opens its ticket again', async () => {
      const follower = await follow();
      parts.decoders.hold();
      const controller = new AbortController();
      const job = encode(cat, controller.signal);
      await follower.until(({ numPendingPatches: pending }) => pending > 0);
      controller.abort();
      await expect(job).rejects.toMatchObject({ reason: 'cancelled' });
      await follower.until(({ failed }) => failed.length > 0);
      expect(follower).toMatchObject({
        failed: [{ ticket: 'ticket of cat', embeddingKey: cat }],
        numPendingPatches: 0,
      });
      expect(parts.decoders.numAborted).toBe(1);
    });

    test('keeps no embedding with a value that is not finite', async () => {
      parts.engine.spoil('c'.charCodeAt(0), 3);
      const jobs = await Promise.allSettled([cat, dog].map((key) => encode(key)));
      expect(jobs).toMatchObject([
        { status: 'rejected', reason: { reason: 'internal', facts: { embeddingKey: cat, numNotFinite: 3 } } },
        { status: 'fulfilled' },
      ]);
      expect(await world.store.fetch(cat)).toBeUndefined();
    });

    test('ends a stream of updates when its listener leaves', async () => {
      const follower = await follow();
      listening.abort();
      expect(await follower.until(() => false)).toBe(false);
    });
  });
}
