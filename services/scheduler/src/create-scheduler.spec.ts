import { embeddingKey, type Request, requestId, type Segment, ServingError } from '@tessera/domain';
import { prefixHashesOf, rootHash } from '@tessera/kv';
import { createRequest, createSamplingParams, createVisualRequest, positionsOf, SeededRandom } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SchedulerWorld, type Seen, type WorldOptions } from './testing/scheduler-world.js';
import { tokensAlone } from './testing/tokens-alone.js';

const [cat, dog] = ['cat', 'dog'].map(embeddingKey) as [
  ReturnType<typeof embeddingKey>,
  ReturnType<typeof embeddingKey>,
];
const idle = {
  numWaiting: 0,
  numRunning: 0,
  numWantedEmbeddings: 0,
  numStagedEmbeddings: 0,
};

/** Its pages may be found by others with the same salt. */
function findable(asked: Request, salt = 'salt'): Request {
  const root = rootHash({ modelRevision: 'fake', tenant: asked.tenant, salt });
  return { ...asked, prefix: prefixHashesOf(asked, root, 4) };
}

describe('createScheduler', () => {
  let world: SchedulerWorld;
  const now = vi.fn(() => 0);
  const start = (options: WorldOptions = {}): void => {
    world = new SchedulerWorld({ now, ...options });
  };
  beforeEach(() => start());

  const run: SchedulerWorld['run'] = (...given) => world.run(...given);
  const request = (name: string, given: Partial<Request> = {}): Request =>
    createRequest({ requestId: requestId(name), tokenIds: Int32Array.of(name.charCodeAt(0) % 30, 2, 3), ...given });
  const pictures = (name: string, keys: readonly string[] = ['cat'], given: Partial<Request> = {}): Request =>
    createVisualRequest(keys, { requestId: requestId(name), ...given });
  const asksOf = ({ events }: Seen) => events.filter((event) => event.kind === 'encodeHere');
  const planned = () => world.engine.plans.flatMap(({ admitted }) => admitted.map(({ sequenceId }) => sequenceId));

  const expectIdle = async (): Promise<void> => {
    await world.settled();
    const { numGroups, numPages, numFreePages, numCachedPages, numFreeLanes, ...counts } = world.scheduler.snapshot;
    expect(counts).toMatchObject(idle);
    expect(numFreePages + numCachedPages).toBe(numPages);
    const numLanes = world.groups[0]?.description.numLanes ?? 0;
    expect(numFreeLanes).toBe(numGroups * numLanes);
    world.scheduler.checkIntegrity();
    for (const { engine } of world.groups) expect(engine.stagedKeys).toEqual([]);
  };
  afterEach(() => expectIdle());

  describe('a request', () => {
    test('streams its tokens one a step and says why it ended and what it used', async () => {
      const asked = request('a', { maxTokens: 3 });
      const { tokens, events } = await run(asked);
      expect(tokens).toEqual(await tokensAlone(asked));
      expect(events.map(({ kind }) => kind)).toEqual(['started', 'tokens', 'tokens', 'tokens', 'finished']);
      expect(events.at(-1)).toEqual({
        kind: 'finished',
        reason: 'length',
        usage: { numPromptTokens: 3, numCachedTokens: 0, numOutputTokens: 3 },
      });
    });

    test('ends with its stop token', async () => {
      const alone = await tokensAlone(request('a', { maxTokens: 8 }));
      const { tokens, events } = await run(request('a', { maxTokens: 8, stopTokenIds: [alone[2]!] }));
      expect(tokens).toEqual(alone.slice(0, alone.indexOf(alone[2]!) + 1));
      expect(events.at(-1)).toMatchObject({ kind: 'finished', reason: 'stop' });
    });

    test('gets pages as its tokens come', async () => {
      await run(request('a', { maxTokens: 6 }));
      const newPages = world.engine.plans.map(({ chunks }) => chunks[0]?.newPages);
      expect(newPages).toEqual([[0], [], [1], [], [], [], undefined]);
    });

    test('goes on where an earlier attempt ended', async () => {
      const asked = request('a', { maxTokens: 6 });
      const resumeTokens = (await tokensAlone(asked)).slice(0, 4);
      const resumed = { ...asked, attempt: 1, resumeTokens };
      const { tokens, events } = await run(resumed);
      expect(tokens).toEqual(await tokensAlone(resumed));
      expect(events[1]).toMatchObject({ tokens: [{ outputIndex: 4 }] });
      expect(events.at(-1)).toMatchObject({ usage: { numPromptTokens: 3, numOutputTokens: 6 } });
    });

    test('ends at once when an earlier attempt emitted all of it', async () => {
      const { events } = await run(request('a', { maxTokens: 2, resumeTokens: [5, 6] }));
      expect(events).toEqual([
        { kind: 'finished', reason: 'length', usage: { numPromptTokens: 3, numCachedTokens: 0, numOutputTokens: 2 } },
      ]);
      expect(world.engine.plans).toEqual([]);
    });
  });

  describe('many requests', () => {
    for (const isOverlapped of [true, false]) {
      test(`get the tokens that each gets alone, in whatever batches, ${isOverlapped ? '' : 'not '}overlapped`, async () => {
        start({ config: { isOverlapped } });
        const random = new SeededRandom(1);
        const requests = Array.from({ length: 30 }, (_, i) =>
          request(`r${i}`, {
            tokenIds: Int32Array.from({ length: random.integer(1, 20) }, () => random.integer(0, 31)),
            maxTokens: random.integer(1, 12),
            sampling: createSamplingParams({ temperature: random.pick([0, 1]), seed: i }),
          }),
        );
        const seen = await Promise.all(requests.map((asked) => run(asked)));
        for (const [i, { tokens }] of seen.entries()) expect(tokens).toEqual(await tokensAlone(requests[i]!));
      });
    }

    test('share steps', async () => {
      await Promise.all(['a', 'b', 'c'].map((name) => run(request(name, { tokenIds: Int32Array.of(1, 2) }))));
      expect(world.engine.plans.map(({ chunks }) => chunks.length)).toEqual([3, 3, 3, 3, 0]);
    });

    test('never wait for a long prompt once they decode', async () => {
      const short = run(request('a', { maxTokens: 6 }));
      const long = run(request('b', { tokenIds: new Int32Array(40) }));
      await Promise.all([short, long]);
      const withPrompt = world.engine.plans.filter(({ chunks }) => chunks.some(({ input }) => input.kind === 'known'));
      expect(withPrompt.map(({ chunks }) => chunks.map(({ input }) => input.kind))).toEqual([
        ['known', 'known'],
        ...new Array(5).fill(['lastSampled', 'known']),
      ]);
    });

    test('wait for a lane in order of arrival', async () => {
      const names = ['a', 'b', 'c', 'd', 'e', 'f'];
      const open = world.engine.steps.hold();
      const all = names.map((name, i) =>
        run(request(name, { tokenIds: Int32Array.of(i), maxTokens: i === 2 ? 2 : 4 })),
      );
      await world.settled();
      expect(world.scheduler.snapshot).toMatchObject({ numRunning: 4, numWaiting: 2 });
      open();
      await Promise.all(all);
      const admitted = world.engine.plans.flatMap((plan) =>
        plan.admitted.map(({ sequenceId, lane }) => [sequenceId, lane]),
      );
      expect(admitted.slice(0, 5)).toEqual([
        ['a/0/0', 0],
        ['b/0/0', 1],
        ['c/0/0', 2],
        ['d/0/0', 3],
        ['e/0/0', 2],
      ]);
      expect(admitted[5]?.[0]).toBe('f/0/0');
    });

    test('wait for pages behind the first that finds none, be they small', async () => {
      const big = { tokenIds: new Int32Array(40), maxTokens: 8 };
      const names = ['a', 'b', 'c'];
      const [, second, third] = await Promise.all(names.map((name, i) => run(request(name, i < 2 ? big : {}))));
      expect(planned()).toEqual(['a/0/0', 'b/0/0', 'c/0/0']);
      expect([second?.tokens.length, third?.tokens.length]).toEqual([8, 4]);
    });

    test('are refused when too many wait already, and told when to come again', async () => {
      start({ description: { numLanes: 1 }, config: { maxWaitingRequests: 2 } });
      const open = world.engine.steps.hold();
      const accepted: Promise<Seen>[] = [];
      for (const name of ['a', 'b', 'c']) {
        accepted.push(run(request(name)));
        await world.settled();
      }
      const { error } = await run(request('d'));
      expect(error).toMatchObject({
        reason: 'queue_full',
        facts: { unit: 'requests', limit: 2, retryAfterSeconds: 2 },
      });
      open();
      for (const { tokens } of await Promise.all(accepted)) expect(tokens).toHaveLength(4);
      expect((await run(request('d'))).tokens).toHaveLength(4);
    });

    test('of two tenants share, however many one of them sends', async () => {
      start({ description: { numLanes: 1 } });
      const names = ['a0', 'a1', 'a2', 'a3', 'b0', 'b1'];
      await Promise.all(names.map((name) => run(request(name, { tenant: name[0]! }))));
      expect(planned().map((id) => id.slice(0, 2))).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'a3']);
    });

    test('run by priority, batch ones last, whatever came first', async () => {
      start({ description: { numLanes: 1 } });
      const given: [string, Partial<Request>][] = [
        ['batch', { class: 'batch', priority: 5 }],
        ['low', { priority: -1 }],
        ['usual', {}],
        ['high', { priority: 1 }],
      ];
      await Promise.all(given.map(([name, fields]) => run(request(name, fields))));
      expect(planned()).toEqual(['high/0/0', 'usual/0/0', 'low/0/0', 'batch/0/0']);
    });

    test('of class batch give way to interactive ones and lose no token by it', async () => {
      start({ description: { numLanes: 2 } });
      const batch = ['x', 'y'].map((name) => request(name, { class: 'batch', maxTokens: 9 }));
      const seen = batch.map((asked) => run(asked));
      await world.settled();
      const asked = request('a');
      expect((await run(asked)).tokens).toEqual(await tokensAlone(asked));
      for (const [i, { tokens }] of (await Promise.all(seen)).entries())
        expect(tokens).toEqual(await tokensAlone(batch[i]!));
    });

    test('are computed again when the pool runs out, and give the same tokens', async () => {
      start({
        description: { maxContextLen: 32, kvLayout: { dtype: 'float32', pageLen: 4, numPages: 8, layersPerMemory: 1 } },
      });
      const all = ['a', 'b', 'c'].map((name, i) =>
        request(name, { maxTokens: 24, sampling: createSamplingParams({ temperature: 1, seed: i }) }),
      );
      const seen = await Promise.all(all.map((asked) => run(asked)));
      expect(planned().length).toBeGreaterThan(3);
      for (const [i, { tokens, events }] of seen.entries()) {
        expect(tokens).toEqual(await tokensAlone(all[i]!));
        expect(events.filter(({ kind }) => kind === 'started')).toHaveLength(1);
      }
    });
  });

  describe('a request with pictures', () => {
    test('asks for each of them, stages them, and unstages each when it is computed', async () => {
      const asked = pictures('a', ['cat', 'dog']);
      const seen = await run(asked);
      expect(asksOf(seen)).toEqual([
        { kind: 'encodeHere', mediaIndex: 0, encoderAddress: 'encoder-0', ticket: 'a/0/0/0/0' },
        { kind: 'encodeHere', mediaIndex: 1, encoderAddress: 'encoder-0', ticket: 'a/0/0/1/1' },
      ]);
      expect(seen.tokens).toEqual(await tokensAlone(asked));
      await world.settled();
      expect(world.engine.stagings).toEqual([
        ['stage', cat],
        ['stage', dog],
        ['unstage', cat],
        ['unstage', dog],
      ]);
    });

    test('computes what comes before a picture that is still to be made', async () => {
      const seen = run(pictures('a', ['cat', 'dog']), undefined, (event) => event.kind !== 'encodeHere');
      await world.settled();
      world.hold(cat);
      await world.settled();
      const known = world.engine.plans.flatMap(({ chunks }) => chunks.map(({ input, samples }) => [input, samples]));
      // The text before the picture while it is fetched, then all until the next one.
      expect(known).toEqual([
        [{ kind: 'known', numTokens: 2 }, false],
        [{ kind: 'known', numTokens: 5 }, false],
      ]);
      world.hold(dog);
      expect((await seen).tokens).toEqual(await tokensAlone(pictures('a', ['cat', 'dog'])));
    });

    test('asks for none that an encoder holds', async () => {
      world.hold(cat);
      await world.settled();
      const asked = pictures('a');
      const seen = await run(asked);
      expect(asksOf(seen)).toEqual([]);
      expect(seen.tokens).toEqual(await tokensAlone(asked));
    });

    test('asks once for a picture that it shows twice', async () => {
      const asked = pictures('a', ['cat', 'cat']);
      const seen = await run(asked);
      expect(asksOf(seen)).toHaveLength(1);
      expect(world.encoder.store.fetched).toEqual([cat]);
      expect(seen.tokens).toEqual(await tokensAlone(asked));
    });

    test('asks again, under another ticket, when the rows were evicted before decoders had them', async () => {
      world.encoder.store.missNextFetch();
      const asked = pictures('a');
      const seen = await run(asked);
      expect(asksOf(seen).map(({ ticket }) => ticket)).toEqual(['a/0/0/0/0', 'a/0/0/0/1']);
      expect(seen.tokens).toEqual(await tokensAlone(asked));
    });

    test('asks another encoder when the one that it was sent to is gone', async () => {
      const second = world.addEncoder();
      const asked = pictures('a');
      const seen = await run(asked, undefined, (event) => {
        if (event.kind !== 'encodeHere' || event.encoderAddress !== 'encoder-0') return true;
        world.loseEncoder(world.encoder);
        return false;
      });
      expect(asksOf(seen).map(({ encoderAddress }) => encoderAddress)).toEqual(['encoder-0', 'encoder-1']);
      expect(seen.tokens).toEqual(await tokensAlone(asked));
      expect(second.store.fetched).toEqual([cat]);
    });

    test('waits for an encoder to come', async () => {
      start({ numEncoders: 0 });
      const seen = run(pictures('a'));
      await world.settled();
      expect(world.scheduler.snapshot).toMatchObject({ numWaiting: 1, numRunning: 0 });
      world.addEncoder();
      expect((await seen).tokens).toHaveLength(4);
    });

    test('shares a picture with others that show it', async () => {
      const [short, long] = [pictures('a', ['cat'], { maxTokens: 1 }), pictures('b', ['cat'], { maxTokens: 6 })];
      const seen = await Promise.all([run(short), run(long)]);
      expect(seen.map(({ tokens }) => tokens)).toEqual([await tokensAlone(short), await tokensAlone(long)]);
      expect(world.uploads).toHaveLength(1);
      expect(world.encoder.store.fetched).toEqual([cat]);
    });

    test('goes on with the upload of another when the one who was asked for it leaves', async () => {
      const controller = new AbortController();
      const first = run(pictures('a'), controller.signal, () => false);
      await world.settled();
      const second = run(pictures('b'));
      await world.settled();
      controller.abort();
      expect((await first).error).toMatchObject({ reason: 'cancelled' });
      expect(asksOf(await second)).toEqual([
        { kind: 'encodeHere', mediaIndex: 0, encoderAddress: 'encoder-0', ticket: 'b/0/0/0/1' },
      ]);
    });

    test('holds up no other while it waits for its pictures', async () => {
      const visual = run(pictures('a'), undefined, () => false);
      expect((await run(request('b'))).tokens).toHaveLength(4);
      expect(world.scheduler.snapshot).toMatchObject({ numWaiting: 1, numRunning: 0 });
      world.hold(cat);
      expect((await visual).tokens).toHaveLength(4);
    });

    test('takes no lane from others when its picture is gone by the time it gets its turn', async () => {
      start({ description: { numLanes: 1 } });
      world.hold(cat);
      await world.settled();
      const open = world.engine.steps.hold();
      const first = run(request('a'));
      await world.engine.steps.arrival();
      const second = run(pictures('b'), undefined, () => false);
      const third = run(request('c'));
      await world.settled();
      world.evict(cat);
      await world.settled();
      open();
      for (const seen of [first, third]) expect((await seen).tokens).toHaveLength(4);
      expect(world.scheduler.snapshot).toMatchObject({ numWaiting: 1, numRunning: 0, numWantedEmbeddings: 1 });
      world.hold(cat);
      expect((await second).tokens).toEqual(await tokensAlone(pictures('b')));
    });

    test('fails with the reason when the ranks cannot take its picture, and so do others that show it', async () => {
      const open = world.encoder.store.fetches.hold();
      const seen = [run(pictures('a')), run(pictures('b')), run(pictures('c', ['dog']))] as const;
      await world.encoder.store.fetches.arrival();
      await world.settled();
      world.engine.failNextStage();
      open();
      for (const { error } of [await seen[0], await seen[1]]) {
        expect(error).toMatchObject({ reason: 'internal', message: 'The staging failed.' });
      }
      expect((await seen[2]).tokens).toEqual(await tokensAlone(pictures('c', ['dog'])));
      expect(world.stageErrors).toEqual(['group-0 cat: The staging failed.']);
    });

    test('fails when a picture of it cannot be made however often it is tried', async () => {
      const { error } = await run(pictures('a'), undefined, (event) => {
        if (event.kind === 'encodeHere') world.encoder.feed.fail(event.ticket, cat);
        return false;
      });
      expect(error).toMatchObject({ reason: 'worker_failed', facts: { mediaIndex: 0, limit: 4 } });
    });

    test('fails when it gets its turn and would have to ask once too often', async () => {
      start({ description: { numLanes: 1 } });
      const open = world.engine.steps.hold();
      const first = run(request('a'));
      let numFailures = 0;
      const second = run(pictures('b', ['cat', 'dog']), undefined, (event) => {
        if (event.kind !== 'encodeHere' || event.mediaIndex === 0 || numFailures === 3) return true;
        numFailures++;
        world.encoder.feed.fail(event.ticket, dog);
        return false;
      });
      await world.settled();
      world.evict(dog);
      await world.settled();
      open();
      expect((await second).error).toMatchObject({ reason: 'worker_failed', facts: { mediaIndex: 1 } });
      expect((await first).tokens).toHaveLength(4);
    });

    test('of tight caches never waits for room that another holds while it waits itself', async () => {
      // Room for three pictures in the caches, for three in the staging.
      start({ cacheBytes: 3 * 4 * 16, config: { stagingTokens: 12 } });
      const keys = [['cat', 'dog'], ['owl', 'cat'], ['fox', 'owl', 'dog'], ['cat'], ['elk', 'fox']];
      const all = keys.map((shown, i) => pictures(`r${i}`, shown));
      const seen = await Promise.all(all.map((asked) => run(asked)));
      for (const [i, { tokens }] of seen.entries()) expect(tokens).toEqual(await tokensAlone(all[i]!));
    });
  });

  describe('the prefix cache', () => {
    /** A picture at tokens 2 … 5, then words; 13 tokens. */
    const question = (name: string, words: readonly number[] = [4, 5, 6, 7, 8, 10], given: Partial<Request> = {}) => {
      const { tokenIds, segments } = pictures(name);
      const text: Segment = { kind: 'text', offset: tokenIds.length, length: words.length };
      const shown = { tokenIds: Int32Array.of(...tokenIds, ...words), segments: [...segments, text] };
      const asked = { ...pictures(name), ...shown, positions: positionsOf(shown.segments), ...given };
      return findable(asked);
    };
    const cachedTokensOf = ({ events }: Seen) => {
      const finished = events.at(-1);
      return finished?.kind === 'finished' ? finished.usage.numCachedTokens : undefined;
    };

    test('spares the second question about a picture its encoding and the shared pages', async () => {
      await run(question('a'));
      world.evict(cat);
      const numPlans = world.engine.plans.length;
      const second = question('b', [4, 5, 6, 11, 12], { maxTokens: 6 });
      const seen = await run(second);
      expect(seen.tokens).toEqual(await tokensAlone(second));
      expect(asksOf(seen)).toEqual([]);
      expect(world.encoder.store.fetched).toEqual([cat]);
      expect(world.engine.plans[numPlans]?.admitted).toMatchObject([{ numCached: 8, pages: [0, 1], visuals: [] }]);
      expect(world.engine.plans[numPlans]?.chunks).toMatchObject([{ input: { kind: 'known', numTokens: 4 } }]);
      expect(seen.events[0]).toEqual({ kind: 'started', numCachedTokens: 8 });
      expect(cachedTokensOf(seen)).toBe(8);
    });

    test('keeps what was generated, too', async () => {
      const first = findable(request('a', { maxTokens: 9 }));
      const { tokens } = await run(first);
      const tokenIds = Int32Array.of(...first.tokenIds, ...tokens, 1, 2);
      const second = findable(createRequest({ requestId: requestId('b'), tokenIds }));
      const seen = await run(second);
      expect(seen.tokens).toEqual(await tokensAlone(second));
      expect(cachedTokensOf(seen)).toBe(8);
    });

    test('always computes the last token of a prompt, be all of its pages there', async () => {
      const asked = findable(request('a', { tokenIds: new Int32Array(8) }));
      await run(asked);
      const seen = await run({ ...asked, requestId: requestId('b') });
      expect(seen.tokens).toEqual(await tokensAlone(asked));
      expect(cachedTokensOf(seen)).toBe(4);
    });

    for (const [what, other] of [
      ['another picture of equal size', findable(createVisualRequest(['dog']))],
      ['another tenant', findable(createVisualRequest(['cat'], { tenant: 'other' }))],
      ['another salt', findable(createVisualRequest(['cat']), 'other salt')],
      ['a request that keeps out', createVisualRequest(['cat'])],
    ] as const) {
      test(`gives nothing to ${what}`, async () => {
        await run(findable(pictures('a')));
        const seen = await run({ ...other, requestId: requestId('b') });
        expect(seen.tokens).toEqual(await tokensAlone(other));
        expect(cachedTokensOf(seen)).toBe(0);
      });
    }

    test('makes a picture after all when its pages were given away while the request waited', async () => {
      start({ description: { numLanes: 1 } });
      await run(question('a'));
      world.evict(cat);
      const churn = run(findable(request('c', { tokenIds: new Int32Array(40), maxTokens: 8 })));
      const more = run(findable(request('d', { tokenIds: new Int32Array(40).fill(1), maxTokens: 8 })));
      const second = question('b');
      const seen = await run(second);
      await Promise.all([churn, more]);
      expect(cachedTokensOf(seen)).toBe(0);
      expect(asksOf(seen)).toHaveLength(1);
      expect(seen.tokens).toEqual(await tokensAlone(second));
    });

    test('keeps nothing of a prompt that turns out to be of no numbers steps after it began', async () => {
      world.encoder.store.spoil(cat);
      const asked = question(
        'a',
        Array.from({ length: 10 }, (_, i) => i + 10),
      );
      expect((await run(asked)).error).toMatchObject({ reason: 'internal' });
      const steps = world.engine.plans.filter(({ chunks }) => chunks.length > 0);
      expect(steps.length).toBeGreaterThan(2);
      expect(world.scheduler.snapshot.numCachedPages).toBe(0);
    });

    test('seals a page under its hash when it is computed, and no page that is given away since', async () => {
      start({ description: { numLanes: 1 } });
      const asked = findable(request('a', { tokenIds: new Int32Array(45), maxTokens: 1 }));
      await run(asked);
      const others = [1, 2].map((id) =>
        findable(request(`b${id}`, { tokenIds: new Int32Array(45).fill(id), maxTokens: 1 })),
      );
      for (const other of others) await run(other);
      const given = new Map<number, number>();
      const sealed = new Set<string>();
      for (const { chunks, seals = [] } of world.engine.plans) {
        for (const page of chunks.flatMap(({ newPages }) => newPages)) given.set(page, (given.get(page) ?? 0) + 1);
        for (const { pageId, generation, blockHash } of seals) {
          expect(generation).toBe(given.get(pageId));
          sealed.add(blockHash);
        }
      }
      for (const { prefix } of [asked, ...others]) {
        // The last page of all may be sealed by a step that nobody asked for.
        for (const hash of prefix!.blocks.slice(0, 8)) expect(sealed).toContain(hash);
      }
    });

    test('believes the seals that a group brings', async () => {
      await run(question('a'));
      await world.settled();
      const { pages } = (await world.scheduler.inspect(1)).groups[0]!;
      const seals = pages.map(({ pageId, blockHash, generation }) => ({ pageId, blockHash: blockHash!, generation }));
      start({ numGroups: 0 });
      world.addGroup({ seals });
      const controller = new AbortController();
      const seen = await run(question('b'), controller.signal, () => {
        controller.abort();
        return false;
      });
      expect(seen.events).toEqual([{ kind: 'started', numCachedTokens: 12 }]);
    });
  });

  describe('a cancelled request frees all that it holds', () => {
    const cancelled = { name: 'ServingError', reason: 'cancelled' };

    test('before it began', async () => {
      const { error } = await run(pictures('a'), AbortSignal.abort());
      expect(error).toMatchObject(cancelled);
      expect(world.engine.plans).toEqual([]);
    });

    test('while it waits for a picture to be encoded', async () => {
      const controller = new AbortController();
      const seen = run(pictures('a'), controller.signal, () => {
        controller.abort();
        return false;
      });
      expect((await seen).error).toMatchObject(cancelled);
    });

    test('while its picture is fetched', async () => {
      const controller = new AbortController();
      const open = world.encoder.store.fetches.hold();
      const seen = run(pictures('a', ['cat', 'dog']), controller.signal);
      await world.encoder.store.fetches.arrival();
      controller.abort();
      open();
      expect((await seen).error).toMatchObject(cancelled);
    });

    test('while it waits for room', async () => {
      start({ description: { numLanes: 1 } });
      const open = world.engine.steps.hold();
      const controller = new AbortController();
      const [first, second] = [run(request('a')), run(request('b'), controller.signal)];
      const third = run(request('c'));
      await world.engine.steps.arrival();
      controller.abort();
      expect((await second).error).toMatchObject(cancelled);
      open();
      expect((await first).tokens).toHaveLength(4);
      expect((await third).tokens).toHaveLength(4);
      expect(planned()).toEqual(['a/0/0', 'c/0/0']);
    });

    test('while a step computes it, at once for the caller', async () => {
      const controller = new AbortController();
      const other = request('b', { maxTokens: 6 });
      const seen = [run(request('a', { maxTokens: 30 }), controller.signal), run(other)] as const;
      await world.engine.steps.arrival();
      await world.engine.steps.arrival();
      const open = world.engine.steps.hold();
      await world.engine.steps.arrival();
      controller.abort();
      const { error, tokens } = await seen[0];
      expect(error).toMatchObject(cancelled);
      expect(tokens.length).toBeLessThan(5);
      expect(world.scheduler.snapshot.numRunning).toBe(1);
      open();
      expect((await seen[1]).tokens).toEqual(await tokensAlone(other));
    });

    test('in the middle of its prompt', async () => {
      const controller = new AbortController();
      const seen = run(request('a', { tokenIds: new Int32Array(30) }), controller.signal);
      await world.engine.steps.arrival();
      const open = world.engine.steps.hold();
      await world.engine.steps.arrival();
      controller.abort();
      open();
      expect((await seen).error).toMatchObject(cancelled);
      await world.settled();
      expect(world.engine.plans.length).toBeLessThan(5);
    });

    test('while it waits for its last token after it was put back', async () => {
      start({ description: { numLanes: 1 } });
      const controller = new AbortController();
      const seen = run(request('a', { class: 'batch', maxTokens: 20 }), controller.signal);
      await world.engine.steps.arrival();
      const open = world.engine.steps.hold();
      await world.engine.steps.arrival();
      const interactive = run(request('b'));
      await world.settled();
      controller.abort();
      open();
      expect((await seen).error).toMatchObject(cancelled);
      expect((await interactive).tokens).toHaveLength(4);
    });

    test('by leaving the loop early', async () => {
      const stream = world.scheduler.generate(request('a', { maxTokens: 30 }), new AbortController().signal);
      for await (const event of stream) if (event.kind === 'tokens') break;
      await world.settled();
      expect(world.engine.plans.length).toBeLessThan(6);
    });

    test('after its end too, of which nobody hears', async () => {
      const controller = new AbortController();
      const { error, tokens } = await run(request('a'), controller.signal);
      controller.abort();
      expect(error).toBeUndefined();
      expect(tokens).toHaveLength(4);
    });
  });

  describe('a deadline', () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
    afterEach(() => void vi.useRealTimers());

    test('ends a request that is not complete when it passes', async () => {
      now.mockReturnValueOnce(400);
      const open = world.engine.steps.hold();
      const seen = run(request('a', { deadlineMs: 1000 }));
      await world.engine.steps.arrival();
      vi.advanceTimersByTime(599);
      await world.settled();
      expect(world.scheduler.snapshot.numRunning).toBe(1);
      vi.advanceTimersByTime(1);
      expect((await seen).error).toMatchObject({ reason: 'deadline_exceeded' });
      open();
    });

    test('ends a request that waits for a picture', async () => {
      const seen = run(pictures('a', ['cat'], { deadlineMs: 50 }), undefined, () => false);
      await world.settled();
      vi.advanceTimersByTime(50);
      expect((await seen).error).toMatchObject({ reason: 'deadline_exceeded' });
    });

    test('ends a request at once that comes too late', async () => {
      now.mockReturnValueOnce(2000);
      const open = world.engine.steps.hold();
      const seen = run(request('a', { deadlineMs: 1000 }));
      await world.settled();
      vi.advanceTimersByTime(0);
      expect((await seen).error).toMatchObject({ reason: 'deadline_exceeded' });
      open();
    });

    test('may lie further ahead than a timer can be set', async () => {
      const seen = run(request('a', { deadlineMs: Number.MAX_SAFE_INTEGER, maxTokens: 2 }));
      vi.advanceTimersByTime(1000);
      expect((await seen).error).toBeUndefined();
    });

    test('is forgotten when the request ends in time', async () => {
      await run(request('a', { deadlineMs: 1000 }));
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  describe('a failed step', () => {
    for (const isOverlapped of [true, false]) {
      test(`costs nobody a token, ${isOverlapped ? '' : 'not '}overlapped`, async () => {
        start({ config: { isOverlapped } });
        const all = ['a', 'b', 'c'].map((name) => request(name, { maxTokens: 9 }));
        const seen = all.map((asked) => run(asked));
        await world.engine.steps.arrival();
        await world.engine.steps.arrival();
        const open = world.engine.steps.hold();
        await world.engine.steps.arrival();
        world.engine.failNextStep();
        open();
        for (const [i, { tokens }] of (await Promise.all(seen)).entries()) {
          expect(tokens).toEqual(await tokensAlone(all[i]!));
        }
      });
    }

    test('with a request alone is not its fault twice when the next step was under way already', async () => {
      const asked = request('a', { maxTokens: 9 });
      const seen = run(asked);
      await world.engine.steps.arrival();
      const open = world.engine.steps.hold();
      await world.engine.steps.arrival();
      await world.settled();
      world.engine.failNextStep();
      open();
      expect((await seen).tokens).toEqual(await tokensAlone(asked));
      expect(world.stepErrors).toEqual(['The step failed.', expect.stringContaining('was named by a failed step')]);
    });

    test('makes those who were in it run alone until each has finished one', async () => {
      const seen = ['a', 'b'].map((name) => run(request(name)));
      world.engine.failNextStep();
      await Promise.all(seen);
      const chunks = world.engine.plans.map(({ chunks, admitted }) => [chunks.length, admitted.length]);
      expect(chunks.slice(0, 4)).toEqual([[2, 2], expect.anything(), expect.anything(), expect.anything()]);
      const alone = world.engine.plans.filter(({ admitted }) => admitted.length > 0).slice(-2);
      expect(alone.map(({ chunks: own }) => own.length)).toEqual([1, 1]);
    });

    test('with one request alone, twice, is its fault', async () => {
      world.engine.failNextStep();
      world.engine.failNextStep(new Error('A row was lost.'));
      world.engine.failNextStep(new Error('A row was lost.'));
      const { error } = await run(request('a'));
      expect(error).toMatchObject({ reason: 'quarantined', message: expect.stringContaining('A row was lost.') });
      expect((await run(request('b'))).tokens).toHaveLength(4);
    });

    test('takes no lane from those that come after it, not even one that it released', async () => {
      const seenBefore = [run(request('a', { maxTokens: 2 })), run(request('b', { maxTokens: 10 }))];
      const { plans, steps } = world.engine;
      while (!plans.some(({ released }) => released.length > 0)) {
        const arrival = steps.arrival();
        const open = steps.hold();
        await arrival;
        if (plans.at(-1)!.released.length > 0) world.engine.failNextStep();
        open();
      }
      for (const { error } of await Promise.all(seenBefore)) expect(error).toBeUndefined();
      const later = ['c', 'd', 'e', 'f'].map((name) => request(name));
      const seen = await Promise.all(later.map((asked) => run(asked)));
      for (const [i, { tokens }] of seen.entries()) expect(tokens).toEqual(await tokensAlone(later[i]!));
      expect(world.engine.numLanesInUse).toBe(0);
    });

    test('that could not choose a token for one sequence fails it alone, and nobody finds its pages', async () => {
      world.encoder.store.spoil(cat);
      const asked = request('b', { maxTokens: 9 });
      const [broken, other] = await Promise.all([run(findable(pictures('a'))), run(asked)]);
      expect(broken.tokens).toEqual([]);
      expect(broken.error).toMatchObject({ reason: 'internal', message: expect.stringContaining('No token') });
      expect(other.tokens).toEqual(await tokensAlone(asked));
      expect(world.scheduler.snapshot.numCachedPages).toBe(0);
    });
  });

  describe('a lost group', () => {
    test('loses nothing: what it ran goes on at another', async () => {
      start({ numGroups: 2 });
      const all = ['a', 'b', 'c', 'd'].map((name) => pictures(name, ['cat', 'dog'], { maxTokens: 9 }));
      const seen = all.map((asked) => run(asked));
      await world.groups[0]!.engine.steps.arrival();
      await world.groups[0]!.engine.steps.arrival();
      world.groups[0]!.lose();
      for (const [i, { tokens, error }] of (await Promise.all(seen)).entries()) {
        expect(error).toBeUndefined();
        expect(tokens).toEqual(await tokensAlone(all[i]!));
      }
      world.groups.shift();
      expect(world.scheduler.snapshot.numGroups).toBe(1);
    });

    test('that was the last one makes all wait for the next', async () => {
      const all = [request('a', { maxTokens: 9 }), pictures('b'), pictures('c', ['dog'])];
      const seen = all.map((asked, i) => run(asked, undefined, () => i !== 2));
      await world.engine.steps.arrival();
      world.groups.shift()!.lose();
      await world.settled();
      expect(world.scheduler.snapshot).toMatchObject({ numGroups: 0, numWaiting: 3, numRunning: 0 });
      world.addGroup();
      world.hold(dog);
      for (const [i, { tokens }] of (await Promise.all(seen)).entries())
        expect(tokens).toEqual(await tokensAlone(all[i]!));
    });

    test('that crashes twice with one request alone is its fault', async () => {
      const seen = run(request('a'));
      for (let i = 0; i < 2; i++) {
        await world.engine.steps.arrival();
        world.groups.shift()!.lose();
        world.addGroup();
      }
      expect((await seen).error).toMatchObject({ reason: 'quarantined' });
    });

    test('is one whose result contradicts its plan, and it is let go', async () => {
      start({ numGroups: 2 });
      const broken = world.groups.shift()!;
      const step = broken.engine.step.bind(broken.engine);
      vi.spyOn(broken.engine, 'step').mockImplementation(async (plan) => ({ ...(await step(plan)), outputs: [] }));
      const asked = request('a');
      expect((await run(asked)).tokens).toEqual(await tokensAlone(asked));
      await expect(broken.lost).resolves.toMatchObject({ reason: 'shutting_down' });
      expect(world.placements.map(({ groupId }) => groupId)).toEqual(['group-0', 'group-1']);
    });
  });

  describe('two groups', () => {
    beforeEach(() => start({ numGroups: 2 }));

    test('share the load, and the reason is told', async () => {
      await Promise.all(['a', 'b', 'c'].map((name) => run(request(name))));
      expect(world.placements).toEqual([
        { groupId: 'group-0', sequenceId: 'a/0/0', reason: 'least_loaded', numCachedTokens: 0 },
        { groupId: 'group-1', sequenceId: 'b/0/0', reason: 'least_loaded', numCachedTokens: 0 },
        { groupId: 'group-0', sequenceId: 'c/0/0', reason: 'least_loaded', numCachedTokens: 0 },
      ]);
    });

    test('get a question where the picture is known, and elsewhere only when that has no room', async () => {
      const asked = findable(pictures('a', ['cat', 'dog']));
      await run(asked);
      const groupId = world.placements[0]?.groupId;
      world.evict(cat);
      world.evict(dog);
      // The picture's pages are at a group whose lanes are all taken.
      const busy = world.groups.find((group) => group.groupId === groupId)!;
      const open = busy.engine.steps.hold();
      const others = Array.from({ length: 8 }, (_, i) => run(request(`o${i}`, { maxTokens: 20 })));
      await world.settled();
      const again = { ...asked, requestId: requestId('again') };
      const seen = run(again);
      await world.settled();
      open();
      expect((await seen).tokens).toEqual(await tokensAlone(again));
      await Promise.all(others);
    });
  });

  describe('refuses', () => {
    for (const [title, asked, facts] of [
      [
        'what is longer than the context',
        createRequest({ maxTokens: 46 }),
        { reason: 'context_length_exceeded', facts: { limit: 48, given: 49 } },
      ],
      [
        'pictures that a group cannot hold',
        createVisualRequest(['cat', 'dog', 'owl']),
        { reason: 'media_too_large', facts: { limit: 8, given: 12 } },
      ],
      [
        'a prompt that was made for another model',
        createRequest({ modelRevision: 'other' }),
        { reason: 'invalid_field' },
      ],
    ] as const) {
      test(title, async () => {
        start({ config: { stagingTokens: 8 } });
        expect((await run(asked)).error).toMatchObject(facts);
      });
    }

    test('everything before the first group', async () => {
      start({ numGroups: 0 });
      expect((await run(request('a'))).error).toMatchObject({ reason: 'not_ready' });
      expect(world.scheduler.model).toBeUndefined();
    });

    test('everything once it is closed, and ends what there is', async () => {
      const error = new ServingError('shutting_down', 'Enough.');
      const seen = [run(request('a', { maxTokens: 30 })), run(pictures('b'), undefined, () => false)];
      await world.engine.steps.arrival();
      await world.scheduler.close(error);
      for (const ended of await Promise.all(seen)) expect(ended.error).toBe(error);
      expect((await run(request('c'))).error).toBe(error);
      start();
    });

    test('a group of another model', () => {
      expect(() => world.addGroup({ description: { modelRevision: 'other' } })).toThrow(
        expect.objectContaining({ reason: 'invalid_option' }),
      );
      world.groups.pop();
    });
  });

  test('tells what it serves: as many visual tokens as the staging and one encoder hold', () => {
    const model = { revision: 'fake', maxContextLen: 48, pageLen: 4 };
    expect(world.scheduler.model).toEqual({ ...model, maxVisualTokens: 2 ** 16 });
    start({ cacheBytes: 10 * 16, config: { stagingTokens: 12 } });
    expect(world.scheduler.model).toEqual({ ...model, maxVisualTokens: 10 });
  });
});
