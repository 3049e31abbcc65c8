import { getEventListeners, once } from 'node:events';
import {
  type EmbeddingStore,
  type EncodeJob,
  type EncoderFeed,
  type EncoderUpdate,
  embeddingKey,
  ServingError,
  type VisionEncoder,
  type VisionEncoderDescription,
} from '@tessera/domain';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { bytesOf } from '../convert/number-bytes.js';
import { RpcClient } from '../grpc/rpc-client.js';
import { collect } from '../testing/collect.js';
import { createEvent } from '../testing/create-event.js';
import { createCuttableLink } from '../testing/cuttable-link.js';
import { type RpcWorld, rpcWorlds } from '../testing/rpc-world.js';
import { attachEncoder } from './attach-encoder.js';
import { connectEmbeddingStore } from './connect-embedding-store.js';
import { connectVisionEncoder } from './connect-vision-encoder.js';
import { type ServedEncoder, serveVisionEncoder } from './serve-vision-encoder.js';

const never = new AbortController().signal;
const cat = embeddingKey('cat');
const dog = embeddingKey('dog');
const description: VisionEncoderDescription = { modelRevision: 'revision', hiddenSize: 4, cacheBytes: 2 ** 33 };

const jobOf = (source: Uint8Array): EncodeJob => ({
  ticket: 'ticket-1',
  tenant: 'tenant',
  embeddingKey: cat,
  kind: 'image',
  grid: { t: 1, h: 4, w: 6 },
  processing: { resizedHeight: 56, resizedWidth: 84 },
  source,
});

const update = (given: Partial<EncoderUpdate>): EncoderUpdate => ({
  ready: [],
  evicted: [],
  failed: [],
  numPendingPatches: 0,
  ...given,
});

/** An encoder that holds nothing, but for what is given. */
const scripted = (given: Partial<ServedEncoder>): ServedEncoder => ({
  description,
  encode: async () => {},
  lend: () => undefined,
  async *updates() {},
  ...given,
});

for (const [name, createWorld] of rpcWorlds) {
  describe(`an encoder over ${name}`, () => {
    let world: RpcWorld;
    const closing: (() => void)[] = [];
    const serve = (given: Partial<ServedEncoder>, options?: { maxSourceBytes: number }) =>
      world.serve((server) => serveVisionEncoder(server, scripted(given), options));
    const uploader = (address: string): VisionEncoder => {
      const encoder = connectVisionEncoder(address, { tls: world.tls });
      closing.push(() => encoder.close());
      return encoder;
    };
    const store = (address: string): EmbeddingStore => {
      const embeddings = connectEmbeddingStore(address, { tls: world.tls });
      closing.push(() => embeddings.close());
      return embeddings;
    };
    const attach = (address: string): Promise<EncoderFeed> => {
      const controller = new AbortController();
      closing.push(() => controller.abort());
      return attachEncoder(address, { tls: world.tls }, controller.signal);
    };
    beforeAll(() => {
      world = createWorld();
    });
    afterEach(() => {
      for (const close of closing.splice(0)) close();
    });
    afterAll(() => world.close());

    describe('as gateways see it', () => {
      for (const numBytes of [0, 1, 256 * 1024, 256 * 1024 + 1, 40_000_000]) {
        test(`gets a source of ${numBytes} bytes whole`, { timeout: 60_000 }, async () => {
          const got: EncodeJob[] = [];
          const { address } = await serve({ encode: async (job) => void got.push(job) });
          const source = Buffer.alloc(numBytes, 'the bytes of a picture ');
          await uploader(address).encode(jobOf(source), never);
          expect({ ...got[0], source: undefined }).toEqual({ ...jobOf(source), source: undefined });
          expect(Buffer.compare(got[0]!.source, source)).toBe(0);
        });
      }

      test('refuses a source above its bound before it is sent', async () => {
        const { address } = await serve({}, { maxSourceBytes: 999 });
        await expect(uploader(address).encode(jobOf(new Uint8Array(1000)), never)).rejects.toMatchObject({
          reason: 'media_too_large',
          facts: { given: 1000, limit: 999 },
        });
      });

      test('says why a picture cannot be encoded', async () => {
        const refusal = new ServingError('media_undecodable', 'The picture ends in row 3.', { row: 3 });
        const { address } = await serve({
          encode: async () => {
            throw refusal;
          },
        });
        await expect(uploader(address).encode(jobOf(new Uint8Array(10)), never)).rejects.toEqual(refusal);
      });

      test('forgets a job whose gateway gives up', async () => {
        const controller = new AbortController();
        const freed = createEvent();
        const { address } = await serve({
          encode: async (_job, signal) => {
            controller.abort();
            await once(signal, 'abort');
            freed.happen();
          },
        });
        const encoding = uploader(address).encode(jobOf(new Uint8Array(10)), controller.signal);
        await expect(encoding).rejects.toMatchObject({ reason: 'cancelled' });
        await freed.happened;
      });

      test('is lost when it dies in the middle', async () => {
        const arrived = createEvent();
        const { address } = await serve({
          encode: async (_job, signal) => {
            arrived.happen();
            await once(signal, 'abort');
          },
        });
        const link = await createCuttableLink(address);
        const encoding = uploader(link.address).encode(jobOf(new Uint8Array(10)), never);
        arrived.happened.then(() => link.cut());
        await expect(encoding).rejects.toMatchObject({
          code: 'UNAVAILABLE',
          reason: 'worker_failed',
          facts: { address: link.address },
        });
      });
    });

    describe('as decoders see it', () => {
      for (const [numTokens, hiddenSize] of [
        [1, 4],
        [256, 1024],
        [257, 1024],
        [4096, 2560],
      ] as const) {
        test(`sends the ${numTokens} rows of an embedding of ${hiddenSize} columns`, { timeout: 60_000 }, async () => {
          const data = new Float32Array(numTokens * hiddenSize).map((_, index) => index / 7);
          const { address } = await serve({
            lend: (key) => ({ embedding: { embeddingKey: key, numTokens, data }, release: () => {} }),
          });
          const fetched = await store(address).fetch(cat);
          expect({ ...fetched, data: undefined }).toEqual({ embeddingKey: cat, numTokens });
          expect(Buffer.compare(bytesOf(fetched!.data), bytesOf(data))).toBe(0);
        });
      }

      for (const end of ['sent', 'of no use, because its decoder is gone'] as const) {
        test(`borrows one until it is ${end}`, async () => {
          const released = createEvent();
          const asked = createEvent();
          const data = new Float32Array(2 ** 22);
          const { address } = await serve({
            lend: (key) => {
              asked.happen();
              return { embedding: { embeddingKey: key, numTokens: 1024, data }, release: released.happen };
            },
          });
          const link = await createCuttableLink(address);
          if (end !== 'sent') void asked.happened.then(() => link.cut());
          const [fetched] = await Promise.allSettled([store(link.address).fetch(cat)]);
          expect(fetched.status).toBe(end === 'sent' ? 'fulfilled' : 'rejected');
          await released.happened;
        });
      }

      test('says that it does not hold one', async () => {
        const { address } = await serve({});
        await expect(store(address).fetch(cat)).resolves.toBeUndefined();
      });

      test('is lost when there is none', async () => {
        const link = await createCuttableLink('127.0.0.1:1');
        link.cut();
        await expect(store(link.address).fetch(cat)).rejects.toMatchObject({
          reason: 'worker_failed',
          facts: { address: link.address },
        });
      });
    });

    describe('as the scheduler sees it', () => {
      test('describes itself and tells every listener all, then every change', async () => {
        const updates = [
          update({ ready: [cat, dog], numPendingPatches: 24 }),
          update({ evicted: [dog] }),
          update({ failed: [{ ticket: 'ticket-1', embeddingKey: dog }] }),
        ];
        const { address } = await serve({
          async *updates() {
            yield* updates;
          },
        });
        const feed = await attach(address);
        expect(feed).toMatchObject({ address, description });
        expect(await collect(feed.updates(never))).toEqual(updates);
        expect(await collect(feed.updates(never))).toEqual(updates);
      });

      test('stops telling a listener that has heard enough', async () => {
        const freed = createEvent();
        const { address } = await serve({
          async *updates(signal) {
            yield update({ ready: [cat] });
            await once(signal, 'abort');
            freed.happen();
          },
        });
        const feed = await attach(address);
        const controller = new AbortController();
        const seen: EncoderUpdate[] = [];
        for await (const change of feed.updates(controller.signal)) {
          seen.push(change);
          controller.abort();
        }
        expect(seen).toEqual([update({ ready: [cat] })]);
        await freed.happened;
      });

      test('is left, with all its listeners, when the scheduler lets go of it', async () => {
        const freed = createEvent();
        const { address } = await serve({
          async *updates(signal) {
            yield update({});
            await once(signal, 'abort');
            freed.happen();
          },
        });
        const controller = new AbortController();
        const feed = await attachEncoder(address, { tls: world.tls }, controller.signal);
        const seen: EncoderUpdate[] = [];
        for await (const change of feed.updates(never)) {
          seen.push(change);
          controller.abort();
        }
        expect(seen).toEqual([update({})]);
        await freed.happened;
      });

      test('is lost to its listeners when it dies', async () => {
        const { address } = await serve({
          async *updates(signal) {
            yield update({});
            await once(signal, 'abort');
          },
        });
        const link = await createCuttableLink(address);
        const feed = await attach(link.address);
        const listening = (async () => {
          for await (const _ of feed.updates(never)) link.cut();
        })();
        const lost = { reason: 'worker_failed', facts: { address: link.address } };
        await expect(listening).rejects.toMatchObject(lost);
        await expect(attach(link.address)).rejects.toMatchObject(lost);
      });

      test('leaves nothing behind where nobody listens', async () => {
        const closing = vi.spyOn(RpcClient.prototype, 'close');
        const { address } = await serve({
          async *updates() {
            yield update({});
          },
        });
        const { signal } = new AbortController();
        const feed = await attachEncoder(address, { tls: world.tls }, signal);
        expect(closing).toHaveBeenCalledTimes(1);
        await collect(feed.updates(signal));
        expect(closing).toHaveBeenCalledTimes(2);
        await expect(attachEncoder('127.0.0.1:1', { tls: world.tls }, signal)).rejects.toThrow();
        expect(closing).toHaveBeenCalledTimes(3);
        expect(getEventListeners(signal, 'abort')).toEqual([]);
        closing.mockRestore();
      });

      test('is lost when another encoder has its address', async () => {
        const found = { ...description };
        const { address } = await serve({
          description: found,
          async *updates() {
            yield update({});
          },
        });
        const feed = await attach(address);
        Object.assign(found, { modelRevision: 'another' });
        await expect(collect(feed.updates(never))).rejects.toMatchObject({
          reason: 'worker_failed',
          message: `${address}: is another encoder now: modelRevision is another, was revision`,
        });
      });

      test('is lost when it ends before it said anything', async () => {
        const { address } = await serve({});
        await expect(attach(address)).rejects.toMatchObject({ reason: 'worker_failed', facts: { address } });
      });
    });
  });
}
