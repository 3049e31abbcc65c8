import { getEventListeners } from 'node:events';
import { type EmbeddingKey, type EncodeJob, embeddingKey, ServingError } from '@tessera/domain';
import { FakeEncoderEngine } from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { createVisionEncoder, type RunningVisionEncoder, type VisionEncoderDeps } from './create-vision-encoder.js';

const [cat, dog] = ['cat', 'dog'].map(embeddingKey);
const hiddenSize = 4;
const embeddingBytes = 4 * hiddenSize * 4;

/** A picture of 4 × 4 patches, four rows, whose file is its key. */
const jobOf = (key: EmbeddingKey, given: Partial<EncodeJob> = {}): EncodeJob => ({
  ticket: 'ticket',
  embeddingKey: key,
  kind: 'image',
  grid: { t: 1, h: 4, w: 4 },
  processing: { resizedHeight: 56, resizedWidth: 56 },
  source: new TextEncoder().encode(key),
  ...given,
});

type Decode = VisionEncoderDeps['decoders']['decode'];

/** A pool that decodes a file into pixels of its first byte, when the test lets it, and gives up when it is told to. */
class FakeDecoders {
  readonly jobs: Parameters<Decode>[0][] = [];
  numAborted = 0;
  readonly #failures: Error[] = [];
  #opened: Promise<void> = Promise.resolve();

  failNext(error: Error): void {
    this.#failures.push(error);
  }

  hold(): () => void {
    const { promise, resolve } = withResolvers();
    this.#opened = promise;
    return resolve;
  }

  async decode(job: Parameters<Decode>[0], signal: AbortSignal): ReturnType<Decode> {
    this.jobs.push(job);
    const aborted = withResolvers();
    signal.addEventListener('abort', aborted.resolve);
    await Promise.race([this.#opened, aborted.promise]);
    const failure = this.#failures.shift();
    if (failure) throw failure;
    if (signal.aborted) {
      this.numAborted++;
      throw new ServingError('cancelled', 'The request was cancelled.');
    }
    const { resizedHeight: height, resizedWidth: width, source } = job;
    return { height, width, data: new Uint8Array(height * width * 3).fill(source[0]) };
  }

  async close(): Promise<void> {}
}

function withResolvers() {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((onResolve) => {
    resolve = onResolve;
  });
  return { promise, resolve };
}

describe('createVisionEncoder', () => {
  let engine: FakeEncoderEngine;
  let decoders: FakeDecoders;
  let encoder: RunningVisionEncoder;
  const start = (cacheBytes = 10 * embeddingBytes): void => {
    engine = new FakeEncoderEngine({ hiddenSize });
    decoders = new FakeDecoders();
    encoder = createVisionEncoder({ engine, decoders }, { address: 'here', cacheBytes });
  };
  beforeEach(() => start());

  const never = new AbortController().signal;
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  const isPending = async (work: Promise<unknown>): Promise<boolean> => {
    await settled();
    return Promise.race([work.then(() => false), Promise.resolve(true)]);
  };

  describe('encode', () => {
    test('decodes the file as asked, encodes the pixels and keeps the rows', async () => {
      await encoder.encode(jobOf(cat), never);
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
      expect(encoder.holds(cat)).toBe(true);
      expect(encoder.snapshot).toEqual({
        numEncoding: 0,
        numCachedEmbeddings: 1,
        numCachedBytes: embeddingBytes,
      });
    });

    test('does nothing for rows that it holds', async () => {
      await encoder.encode(jobOf(cat), never);
      await encoder.encode(jobOf(cat), never);
      expect(decoders.jobs).toHaveLength(1);
    });

    test('runs equal jobs once, and others beside them', async () => {
      const open = decoders.hold();
      const jobs = [cat, cat, dog, cat].map((key) => encoder.encode(jobOf(key), never));
      await settled();
      expect(encoder.snapshot.numEncoding).toBe(2);
      open();
      await Promise.all(jobs);
      expect(engine.encoded).toHaveLength(2);
      expect(encoder.snapshot).toMatchObject({ numEncoding: 0, numCachedEmbeddings: 2 });
    });

    for (const [title, fail, reason] of [
      [
        'cannot be decoded',
        () => decoders.failNext(new ServingError('media_undecodable', 'Bad file.')),
        'media_undecodable',
      ],
      ['cannot be encoded', () => engine.failNextEncode(new ServingError('worker_failed', 'Gone.')), 'worker_failed'],
    ] as const) {
      test(`tells all who wait when a picture ${title}, and tries again for the next`, async () => {
        fail();
        const jobs = await Promise.allSettled([encoder.encode(jobOf(cat), never), encoder.encode(jobOf(cat), never)]);
        for (const job of jobs) expect(job).toMatchObject({ status: 'rejected', reason: { reason } });
        expect(encoder.holds(cat)).toBe(false);
        await encoder.encode(jobOf(cat), never);
        expect(encoder.holds(cat)).toBe(true);
      });
    }

    test('refuses a picture whose rows are more than the cache holds', async () => {
      start(embeddingBytes - 1);
      await expect(encoder.encode(jobOf(cat), never)).rejects.toMatchObject({
        reason: 'media_too_large',
        facts: { limit: embeddingBytes - 1, given: embeddingBytes },
      });
      expect(encoder.snapshot).toEqual({ numEncoding: 0, numCachedEmbeddings: 0, numCachedBytes: 0 });
    });

    test('keeps the rows used last when not all fit', async () => {
      start(embeddingBytes);
      await encoder.encode(jobOf(cat), never);
      await encoder.encode(jobOf(dog), never);
      expect([cat, dog].map((key) => encoder.holds(key))).toEqual([false, true]);
    });
  });

  describe('an abort', () => {
    const cancelled = { name: 'ServingError', reason: 'cancelled' };

    test('of one of two that wait leaves the other its rows', async () => {
      const open = decoders.hold();
      const controller = new AbortController();
      const [leaving, staying] = [encoder.encode(jobOf(cat), controller.signal), encoder.encode(jobOf(cat), never)];
      controller.abort();
      await expect(leaving).rejects.toMatchObject(cancelled);
      open();
      await staying;
      expect(decoders.numAborted).toBe(0);
      expect(encoder.holds(cat)).toBe(true);
    });

    test('of all that wait ends the decoding', async () => {
      decoders.hold();
      const controllers = [new AbortController(), new AbortController()];
      const jobs = controllers.map(({ signal }) => encoder.encode(jobOf(cat), signal));
      for (const controller of controllers) controller.abort();
      for (const job of jobs) await expect(job).rejects.toMatchObject(cancelled);
      await settled();
      expect(decoders.numAborted).toBe(1);
      expect(encoder.snapshot.numEncoding).toBe(0);
    });

    test('of all that wait is nothing to one who comes right after', async () => {
      const open = decoders.hold();
      const controller = new AbortController();
      const leaving = encoder.encode(jobOf(cat), controller.signal);
      await settled();
      controller.abort();
      const next = encoder.encode(jobOf(cat), never);
      await expect(leaving).rejects.toMatchObject(cancelled);
      open();
      await next;
      expect(encoder.holds(cat)).toBe(true);
      expect(encoder.snapshot.numEncoding).toBe(0);
    });

    test('before the job begins starts nothing', async () => {
      await expect(encoder.encode(jobOf(cat), AbortSignal.abort())).rejects.toMatchObject(cancelled);
      expect(decoders.jobs).toEqual([]);
    });

    test('before it joins a job leaves the count of those who wait right', async () => {
      decoders.hold();
      const controller = new AbortController();
      const waiting = encoder.encode(jobOf(cat), controller.signal);
      await expect(encoder.encode(jobOf(cat), AbortSignal.abort())).rejects.toMatchObject(cancelled);
      controller.abort();
      await expect(waiting).rejects.toMatchObject(cancelled);
      await settled();
      expect(decoders.numAborted).toBe(1);
    });

    test('while the tower runs keeps the rows for the next', async () => {
      const open = engine.encodes.hold();
      const controller = new AbortController();
      const leaving = encoder.encode(jobOf(cat), controller.signal);
      await engine.encodes.arrival();
      controller.abort();
      await expect(leaving).rejects.toMatchObject(cancelled);
      open();
      await settled();
      expect(encoder.holds(cat)).toBe(true);
    });

    test('is listened for only as long as somebody waits', async () => {
      const { signal } = new AbortController();
      const ready = encoder.waitUntilReady(cat, signal);
      await encoder.encode(jobOf(cat), signal);
      await ready;
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    });

    test('after the end is nothing', async () => {
      const controller = new AbortController();
      await encoder.encode(jobOf(cat), controller.signal);
      controller.abort();
      expect(encoder.holds(cat)).toBe(true);
    });
  });

  describe('waitUntilReady', () => {
    test('resolves at once for rows that are held', async () => {
      await encoder.encode(jobOf(cat), never);
      await encoder.waitUntilReady(cat, never);
    });

    test('resolves for all who wait when the rows are there, and for them only', async () => {
      const waiting = [encoder.waitUntilReady(cat, never), encoder.waitUntilReady(cat, never)];
      const other = encoder.waitUntilReady(dog, never);
      await encoder.encode(jobOf(cat), never);
      await Promise.all(waiting);
      expect(await isPending(other)).toBe(true);
    });

    test('goes on waiting when an encoding fails', async () => {
      const waiting = encoder.waitUntilReady(cat, never);
      decoders.failNext(new ServingError('media_undecodable', 'Bad file.'));
      await expect(encoder.encode(jobOf(cat), never)).rejects.toMatchObject({ reason: 'media_undecodable' });
      expect(await isPending(waiting)).toBe(true);
      await encoder.encode(jobOf(cat), never);
      await waiting;
    });

    test('rejects when it is aborted, before or while it waits, and others wait on', async () => {
      const controller = new AbortController();
      const [leaving, staying] = [encoder.waitUntilReady(cat, controller.signal), encoder.waitUntilReady(cat, never)];
      controller.abort();
      await expect(leaving).rejects.toMatchObject({ reason: 'cancelled' });
      await expect(encoder.waitUntilReady(cat, controller.signal)).rejects.toMatchObject({ reason: 'cancelled' });
      await encoder.encode(jobOf(cat), never);
      await staying;
    });
  });

  describe('fetch', () => {
    test('gives the rows, each time a copy that the caller may give away', async () => {
      await encoder.encode(jobOf(cat), never);
      const first = await encoder.fetch(cat);
      const expected = first?.data.slice();
      structuredClone(first, { transfer: [first?.data.buffer as ArrayBuffer] });
      expect(first?.data.length).toBe(0);
      expect(await encoder.fetch(cat)).toEqual({ embeddingKey: cat, numTokens: 4, data: expected });
      expect(expected).toEqual((await engine.encode(engine.encoded.slice(0, 1)))[0]);
    });

    test('says so when it does not hold them', async () => {
      expect(await encoder.fetch(cat)).toBeUndefined();
    });

    test('counts as a use', async () => {
      start(2 * embeddingBytes);
      await encoder.encode(jobOf(cat), never);
      await encoder.encode(jobOf(dog), never);
      await encoder.fetch(cat);
      await encoder.encode(jobOf(embeddingKey('owl')), never);
      expect([cat, dog].map((key) => encoder.holds(key))).toEqual([true, false]);
    });
  });

  test('is found under its address', () => {
    expect(encoder.address).toBe('here');
  });
});
