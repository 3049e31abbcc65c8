import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type EmbeddingKey, type EmbeddingStore, embeddingKey, ServingError } from '@tessera/domain';
import { createEncodeJob, describeVisionEncoder, FakeEncoderEngine, FakeMediaDecoders } from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { createVisionEncoder, type RunningVisionEncoder, type VisionEncoderOptions } from './create-vision-encoder.js';

const [cat, dog] = ['cat', 'dog'].map(embeddingKey);
const hiddenSize = 4;
/** Of a picture of `createEncodeJob`. */
const embeddingBytes = 4 * hiddenSize * 4;

const options: VisionEncoderOptions = {
  cacheBytes: 10 * embeddingBytes,
  batchPatches: 100,
  numDecoders: 2,
  maxDecodedBytes: 2 ** 20,
  maxQueuedJobs: 10,
  maxQueuedBytes: 2 ** 20,
};

describeVisionEncoder('the encoder in this process', async ({ engine, decoders, cacheBytes }) => {
  const encoder = createVisionEncoder({ engine, decoders }, { ...options, cacheBytes });
  const fetch: EmbeddingStore['fetch'] = async (key) => {
    const lent = encoder.lend(key);
    lent?.release();
    return lent && { ...lent.embedding, data: lent.embedding.data.slice() };
  };
  return { encoder, store: { fetch }, feed: encoder, close: async () => encoder.close() };
});

describe('createVisionEncoder', () => {
  let engine: FakeEncoderEngine;
  let decoders: FakeMediaDecoders;
  let encoder: RunningVisionEncoder;
  const start = (given: Partial<VisionEncoderOptions> = {}): void => {
    engine = new FakeEncoderEngine({ hiddenSize });
    decoders = new FakeMediaDecoders();
    encoder = createVisionEncoder({ engine, decoders }, { ...options, ...given });
  };
  beforeEach(() => start());

  const never = new AbortController().signal;
  const jobOf = (key: EmbeddingKey, ticket = 't') => createEncodeJob({ embeddingKey: key, ticket });
  const encode = (key: EmbeddingKey, signal = never) => encoder.encode(jobOf(key), signal);
  const holds = (key: EmbeddingKey): boolean => {
    const lent = encoder.lend(key);
    lent?.release();
    return lent !== undefined;
  };

  describe('encode', () => {
    test('decodes the file as asked, encodes the pixels and keeps the rows', async () => {
      await encode(cat);
      expect(decoders.jobs).toEqual([{ source: jobOf(cat).source, resizedHeight: 56, resizedWidth: 56 }]);
      expect(engine.encoded).toEqual([
        {
          grid: { t: 1, h: 4, w: 4 },
          numFrames: 1,
          height: 56,
          width: 56,
          frames: new Uint8Array(56 * 56 * 3).fill('c'.charCodeAt(0)),
        },
      ]);
      expect(encoder.snapshot).toEqual({
        numEncoding: 0,
        numPendingPatches: 0,
        numQueuedJobs: 0,
        numQueuedBytes: 0,
        numCachedEmbeddings: 1,
        numCachedBytes: embeddingBytes,
      });
    });

    test('runs equal jobs once, and others beside them', async () => {
      const open = decoders.hold();
      const jobs = [cat, cat, dog, cat].map((key) => encode(key));
      expect(encoder.snapshot).toMatchObject({ numEncoding: 2, numPendingPatches: 32 });
      open();
      await Promise.all(jobs);
      expect(engine.encoded).toHaveLength(2);
      expect(encoder.snapshot).toMatchObject({ numEncoding: 0, numCachedEmbeddings: 2 });
    });

    test('encodes together what came while the tower was busy', async () => {
      const open = engine.encodes.hold();
      const first = encode(cat);
      await engine.encodes.arrival();
      const others = ['dog', 'owl', 'eel'].map((name) => encode(embeddingKey(name)));
      await nextTurn();
      open();
      await Promise.all([first, ...others]);
      expect(engine.batches.map((batch) => batch.length)).toEqual([1, 3]);
    });

    test('gives each tenant its turn, however many pictures another has', async () => {
      start({ numDecoders: 1, batchPatches: 1 });
      const names = ['a1', 'a2', 'a3', 'b1', 'b2'];
      const jobs = names.map((name) =>
        encoder.encode(createEncodeJob({ embeddingKey: embeddingKey(name), tenant: name.slice(0, 1) }), never),
      );
      await Promise.all(jobs);
      expect(decoders.jobs.map(({ source }) => new TextDecoder().decode(source))).toEqual([
        'a1',
        'b1',
        'a2',
        'b2',
        'a3',
      ]);
    });

    for (const [title, fail, reason] of [
      ['decoded', () => decoders.failNext(new ServingError('media_undecodable', 'Bad file.')), 'media_undecodable'],
      ['encoded', () => engine.failNextEncode(new ServingError('internal', 'Bad rows.')), 'internal'],
    ] as const) {
      test(`tells all who wait when a picture cannot be ${title}, and tries again for the next`, async () => {
        fail();
        const jobs = await Promise.allSettled([encode(cat), encode(cat)]);
        for (const job of jobs) expect(job).toMatchObject({ status: 'rejected', reason: { reason } });
        await encode(cat);
        expect(holds(cat)).toBe(true);
      });
    }

    test('refuses a picture whose rows are more than the cache holds', async () => {
      start({ cacheBytes: embeddingBytes - 1 });
      await expect(encode(cat)).rejects.toMatchObject({
        reason: 'media_too_large',
        facts: { limit: embeddingBytes - 1, given: embeddingBytes },
      });
      expect(encoder.snapshot).toMatchObject({ numEncoding: 0, numCachedEmbeddings: 0, numCachedBytes: 0 });
    });

    test('refuses what the queue has no room for, and forgets it', async () => {
      start({ numDecoders: 1, maxQueuedJobs: 1 });
      const open = decoders.hold();
      const jobs = [encode(cat), encode(dog)];
      await expect(encode(embeddingKey('owl'))).rejects.toMatchObject({ reason: 'queue_full', facts: { limit: 1 } });
      expect(encoder.snapshot).toMatchObject({ numEncoding: 2, numPendingPatches: 32, numQueuedJobs: 1 });
      open();
      await Promise.all(jobs);
      await encode(embeddingKey('owl'));
    });

    test('opens the tickets of all who waited when the run comes to nothing', async () => {
      const listening = new AbortController();
      const updates = encoder.updates(listening.signal)[Symbol.asyncIterator]();
      await updates.next();
      decoders.failNext();
      await Promise.allSettled(['t1', 't2'].map((ticket) => encoder.encode(jobOf(cat, ticket), never)));
      expect((await updates.next()).value?.failed).toEqual([
        { ticket: 't1', embeddingKey: cat },
        { ticket: 't2', embeddingKey: cat },
      ]);
      listening.abort();
    });
  });

  describe('an abort', () => {
    const cancelled = { name: 'ServingError', reason: 'cancelled' };

    test('of one of two that wait leaves the other its rows', async () => {
      const open = decoders.hold();
      const controller = new AbortController();
      const [leaving, staying] = [encode(cat, controller.signal), encode(cat)];
      controller.abort();
      await expect(leaving).rejects.toMatchObject(cancelled);
      open();
      await staying;
      expect(decoders.numAborted).toBe(0);
    });

    test('of all that wait ends the decoding', async () => {
      decoders.hold();
      const controllers = [new AbortController(), new AbortController()];
      const jobs = controllers.map(({ signal }) => encode(cat, signal));
      for (const controller of controllers) controller.abort();
      for (const job of jobs) await expect(job).rejects.toMatchObject(cancelled);
      await nextTurn();
      expect(decoders.numAborted).toBe(1);
      expect(encoder.snapshot).toMatchObject({ numEncoding: 0, numPendingPatches: 0 });
    });

    test('of all that wait takes the job out of the queue', async () => {
      start({ numDecoders: 1 });
      decoders.hold();
      const controller = new AbortController();
      const [first, queued] = [encode(cat), encode(dog, controller.signal)];
      expect(encoder.snapshot.numQueuedJobs).toBe(1);
      controller.abort();
      await expect(queued).rejects.toMatchObject(cancelled);
      expect(encoder.snapshot).toMatchObject({ numEncoding: 1, numPendingPatches: 16, numQueuedJobs: 0 });
      encoder.close();
      await expect(first).rejects.toMatchObject({ reason: 'shutting_down' });
      expect(decoders.jobs).toHaveLength(1);
    });

    test('of all that wait is nothing to one who comes right after', async () => {
      const open = decoders.hold();
      const controller = new AbortController();
      const leaving = encode(cat, controller.signal);
      controller.abort();
      const next = encode(cat);
      await expect(leaving).rejects.toMatchObject(cancelled);
      open();
      await next;
      expect(encoder.snapshot.numEncoding).toBe(0);
    });

    test('before the job begins starts nothing', async () => {
      await expect(encode(cat, AbortSignal.abort())).rejects.toMatchObject(cancelled);
      expect(decoders.jobs).toEqual([]);
    });

    test('before it joins a job leaves the count of those who wait right', async () => {
      decoders.hold();
      const controller = new AbortController();
      const waiting = encode(cat, controller.signal);
      await expect(encode(cat, AbortSignal.abort())).rejects.toMatchObject(cancelled);
      controller.abort();
      await expect(waiting).rejects.toMatchObject(cancelled);
      await nextTurn();
      expect(decoders.numAborted).toBe(1);
    });

    test('while the tower runs keeps the rows, also for one who comes meanwhile', async () => {
      const open = engine.encodes.hold();
      const controller = new AbortController();
      const leaving = encode(cat, controller.signal);
      await engine.encodes.arrival();
      controller.abort();
      await expect(leaving).rejects.toMatchObject(cancelled);
      const next = encode(cat);
      open();
      await next;
      expect(engine.batches).toHaveLength(1);
      expect(holds(cat)).toBe(true);
    });

    test('is listened for only as long as somebody waits', async () => {
      const { signal } = new AbortController();
      await encode(cat, signal);
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    });
  });

  describe('lend', () => {
    test('gives the rows as they lie in the cache', async () => {
      await encode(cat);
      const lent = [encoder.lend(cat), encoder.lend(cat)];
      const [data] = await engine.encode(engine.encoded);
      expect(lent[0]?.embedding).toEqual({ embeddingKey: cat, numTokens: 4, data });
      expect(lent[0]?.embedding.data).toBe(lent[1]?.embedding.data);
    });

    test('keeps them there until they are released', async () => {
      start({ cacheBytes: embeddingBytes });
      await encode(cat);
      const lent = encoder.lend(cat);
      await encode(dog);
      expect(encoder.snapshot.numCachedEmbeddings).toBe(2);
      lent?.release();
      expect([cat, dog].map(holds)).toEqual([false, true]);
    });
  });

  test('tells its observer of batches and fetches', async () => {
    const seen: unknown[] = [];
    const observer = {
      encoded: (batch: { numVisuals: number; numPatches: number }) => seen.push([batch.numVisuals, batch.numPatches]),
      fetched: (isHit: boolean) => seen.push(isHit),
    };
    encoder = createVisionEncoder({ engine, decoders, observer }, options);
    await encode(cat);
    for (const key of [cat, dog]) encoder.lend(key);
    expect(seen).toEqual([[1, 16], true, false]);
  });

  describe('the end', () => {
    const follow = async () => {
      const updates = encoder.updates(never)[Symbol.asyncIterator]();
      await updates.next();
      return updates;
    };

    test('comes with the engine: whoever waits or comes is told, and what is held can be lent', async () => {
      await encode(cat);
      const updates = await follow();
      await engine.close();
      await expect(encode(dog)).rejects.toMatchObject({ reason: 'worker_failed' });
      expect(await encoder.lost).toMatchObject({ reason: 'worker_failed' });
      await expect(encode(dog)).rejects.toMatchObject({ reason: 'worker_failed' });
      expect((await updates.next()).value?.failed).toEqual([{ ticket: 't', embeddingKey: dog }]);
      await expect(updates.next()).rejects.toMatchObject({ reason: 'worker_failed' });
      expect(holds(cat)).toBe(true);
    });

    test('comes with close: what waits is refused, and so is what comes', async () => {
      start({ numDecoders: 1 });
      decoders.hold();
      const updates = await follow();
      const jobs = [cat, dog].map((key) => encode(key));
      encoder.close();
      for (const job of [...jobs, encode(cat)]) await expect(job).rejects.toMatchObject({ reason: 'shutting_down' });
      await nextTurn();
      expect(decoders.numAborted).toBe(1);
      expect((await updates.next()).value?.failed).toHaveLength(2);
      await expect(updates.next()).rejects.toMatchObject({ reason: 'shutting_down' });
    });
  });
});
