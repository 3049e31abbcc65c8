import {
  type DecoderDescription,
  type EmbeddingKey,
  embeddingKey,
  type Request,
  requestId,
  type SchedulerEvent,
  ServingError,
  type VisualSegment,
} from '@tessera/domain';
import {
  createFakeEmbedding,
  createRequest,
  createSamplingParams,
  createVisualRequest,
  EngineDriver,
  FakeDecoderEngine,
  FakeEmbeddingSource,
  SeededRandom,
} from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createScheduler, type RunningScheduler } from './create-scheduler.js';

const [cat, dog] = ['cat', 'dog'].map(embeddingKey);

/** All that a caller sees of one request. */
interface Seen {
  readonly tokens: number[];
  readonly events: SchedulerEvent[];
  error?: unknown;
}

const visualsOf = ({ segments }: Request): VisualSegment[] => segments.filter((segment) => segment.kind !== 'text');

/** What a request gives when it runs alone. */
async function tokensAlone(request: Request): Promise<number[]> {
  const engine = new FakeDecoderEngine({ maxStepTokens: 64 });
  for (const { embeddingKey: key, length } of visualsOf(request))
    await engine.stage(createFakeEmbedding(key, length, 4));
  const { tokenIds, positions, sampling, maxTokens } = request;
  const visuals = visualsOf(request).map(({ embeddingKey, offset, length }) => ({ embeddingKey, offset, length }));
  const admitted = { tokenIds, positions, sampling, visuals };
  const [{ tokens }] = await new EngineDriver(engine).run({ admitted, numTokens: maxTokens });
  return tokens.map(({ tokenId }) => tokenId);
}

describe('createScheduler', () => {
  let decoder: FakeDecoderEngine;
  let encoder: FakeEmbeddingSource;
  let scheduler: RunningScheduler;
  const now = vi.fn(() => 0);

  const start = (given: Partial<DecoderDescription> = {}, maxWaitingRequests = 100): void => {
    decoder = new FakeDecoderEngine(given);
    encoder = new FakeEmbeddingSource();
    scheduler = createScheduler({ decoder, encoder, now }, { maxWaitingRequests });
  };
  beforeEach(() => start());

  /** Runs a request to its end and uploads what it is asked for, unless `upload` says otherwise. */
  const run = async (
    request: Request,
    signal: AbortSignal = new AbortController().signal,
    upload: (key: EmbeddingKey) => void = (key) => encoder.put(key, 4),
  ): Promise<Seen> => {
    const seen: Seen = { tokens: [], events: [] };
    try {
      for await (const event of scheduler.generate(request, signal)) {
        seen.events.push(event);
        if (event.kind === 'tokens') seen.tokens.push(...event.tokens.map(({ tokenId }) => tokenId));
        if (event.kind === 'encodeHere') upload(visualsOf(request)[event.mediaIndex].embeddingKey);
      }
    } catch (error) {
      seen.error = error;
    }
    return seen;
  };
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  const request = (name: string, given: Partial<Request> = {}) =>
    createRequest({ requestId: requestId(name), tokenIds: Int32Array.of(name.charCodeAt(0) % 30, 2, 3), ...given });

  const expectIdle = async (): Promise<void> => {
    await settled();
    const { numPages } = decoder.description.kvLayout;
    expect(scheduler.snapshot).toEqual({
      numWaiting: 0,
      numRunning: 0,
      numPreparing: 0,
      numStagedEmbeddings: 0,
      numFreePages: numPages,
      numPages,
      numFreeLanes: decoder.description.numLanes,
    });
    expect(decoder.stagedKeys).toEqual([]);
    expect(encoder.numWaiting).toBe(0);
  };
  afterEach(() => expectIdle());

  describe('a request', () => {
    test('streams its tokens one a step and says why it ended and what it used', async () => {
      const asked = request('a', { maxTokens: 3 });
      const { tokens, events } = await run(asked);
      expect(tokens).toEqual(await tokensAlone(asked));
      expect(events.map(({ kind }) => kind)).toEqual(['tokens', 'tokens', 'tokens', 'finished']);
      expect(events.at(-1)).toEqual({
        kind: 'finished',
        reason: 'length',
        usage: { numPromptTokens: 3, numCachedTokens: 0, numOutputTokens: 3 },
      });
    });

    test('ends with its stop token', async () => {
      const asked = request('a', { maxTokens: 8 });
      const alone = await tokensAlone(asked);
      const { tokens, events } = await run({ ...asked, stopTokenIds: [alone[2]] });
      expect(tokens).toEqual(alone.slice(0, alone.indexOf(alone[2]) + 1));
      expect(events.at(-1)).toMatchObject({ kind: 'finished', reason: 'stop' });
    });

    test('gets all the pages that it may need with its first chunk', async () => {
      await run(request('a', { maxTokens: 6 }));
      expect(decoder.plans.map(({ chunks }) => chunks[0]?.newPages)).toEqual([[0, 1, 2], [], [], [], [], []]);
    });

    test('goes on where an earlier attempt ended', async () => {
      const asked = request('a', { maxTokens: 6 });
      const alone = await tokensAlone(asked);
      const { tokens, events } = await run({ ...asked, attempt: 1, resumeTokens: alone.slice(0, 4) });
      expect(tokens).toEqual(alone.slice(4));
      expect(events[0]).toMatchObject({ tokens: [{ outputIndex: 4 }] });
      expect(events.at(-1)).toMatchObject({ usage: { numPromptTokens: 3, numOutputTokens: 6 } });
    });

    test('ends at once when an earlier attempt emitted all of it', async () => {
      const { events } = await run(request('a', { maxTokens: 2, resumeTokens: [5, 6] }));
      expect(events).toEqual([
        { kind: 'finished', reason: 'length', usage: { numPromptTokens: 3, numCachedTokens: 0, numOutputTokens: 2 } },
      ]);
      expect(decoder.plans).toEqual([]);
    });

    test('is refused when prompt and answer are longer than the context', async () => {
      const { error } = await run(request('a', { maxTokens: 46 }));
      expect(error).toMatchObject({ reason: 'context_length_exceeded', facts: { limit: 48, given: 49 } });
      expect((await run(request('a', { maxTokens: 45 }))).tokens).toHaveLength(45);
    });
  });

  describe('many requests', () => {
    test('get the tokens that each gets alone, in whatever batches', async () => {
      const random = new SeededRandom(1);
      const requests = Array.from({ length: 30 }, (_, i) =>
        request(`r${i}`, {
          tokenIds: Int32Array.from({ length: random.integer(1, 20) }, () => random.integer(0, 31)),
          maxTokens: random.integer(1, 12),
          sampling: createSamplingParams({ temperature: random.pick([0, 1]), seed: i }),
        }),
      );
      const seen = await Promise.all(requests.map((asked) => run(asked)));
      for (const [i, { tokens }] of seen.entries()) expect(tokens).toEqual(await tokensAlone(requests[i]));
    });

    test('share steps', async () => {
      await Promise.all(['a', 'b', 'c'].map((name) => run(request(name, { tokenIds: Int32Array.of(1, 2) }))));
      expect(decoder.plans.map(({ chunks }) => chunks.length)).toEqual([1, 3, 3, 3, 2]);
    });

    test('never wait for a long prompt once they decode', async () => {
      const open = decoder.steps.hold();
      const short = run(request('a', { maxTokens: 6 }));
      const long = run(request('b', { tokenIds: new Int32Array(40) }));
      open();
      await Promise.all([short, long]);
      const withPrompt = decoder.plans.filter(({ chunks }) => chunks.some(({ input }) => input.kind === 'known'));
      expect(withPrompt.slice(1).map(({ chunks }) => chunks[0].input.kind)).toEqual([
        'lastSampled',
        'lastSampled',
        'lastSampled',
        'lastSampled',
        'lastSampled',
        'known',
      ]);
    });

    test('wait for a lane in order of arrival', async () => {
      const names = ['a', 'b', 'c', 'd', 'e', 'f'];
      const open = decoder.steps.hold();
      const all = names.map((name, i) => run(request(name, { maxTokens: i === 2 ? 1 : 4 })));
      await settled();
      expect(scheduler.snapshot).toMatchObject({ numRunning: 4, numWaiting: 2 });
      open();
      await Promise.all(all);
      const admitted = decoder.plans.flatMap((plan) => plan.admitted.map(({ sequenceId, lane }) => [sequenceId, lane]));
      expect(admitted).toEqual([
        ['a/0/0', 0],
        ['b/0/0', 1],
        ['c/0/0', 2],
        ['d/0/0', 3],
        ['e/0/0', 2],
        ['f/0/0', expect.any(Number)],
      ]);
    });

    test('wait for pages behind the first that finds none, be they small', async () => {
      const open = decoder.steps.hold();
      const big = { maxTokens: 37 };
      const all = [run(request('a', big)), run(request('b', big)), run(request('c', { maxTokens: 1 }))];
      await decoder.steps.arrival();
      open();
      await Promise.all(all);
      const firstOf = (name: string) =>
        decoder.plans.findIndex(({ admitted }) => admitted.some(({ sequenceId }) => sequenceId.startsWith(name)));
      expect(firstOf('b')).toBeGreaterThan(30);
      expect(firstOf('c')).toBe(firstOf('b'));
    });

    test('are refused when too many wait already', async () => {
      start({ numLanes: 1 }, 2);
      const open = decoder.steps.hold();
      const accepted: Promise<Seen>[] = [];
      for (const name of ['a', 'b', 'c']) {
        accepted.push(run(request(name)));
        await settled();
      }
      const { error } = await run(request('d'));
      expect(error).toMatchObject({ reason: 'queue_full', facts: { limit: 2, retryAfterSeconds: 1 } });
      open();
      for (const { tokens } of await Promise.all(accepted)) expect(tokens).toHaveLength(4);
      expect((await run(request('d'))).tokens).toHaveLength(4);
    });

    test('are taken up to the limit beyond those that have room, be they sent at once', async () => {
      start({ numLanes: 3 }, 2);
      const seen = await Promise.all(Array.from({ length: 9 }, (_, i) => run(request(`r${i}`))));
      expect(seen.map(({ error }) => error && 'refused')).toEqual([
        ...new Array(5).fill(undefined),
        ...new Array(4).fill('refused'),
      ]);
    });

    test('take turns when a step has not a row for each', async () => {
      start({ maxStepTokens: 2 });
      const all = ['a', 'b', 'c'].map((name) => run(request(name, { tokenIds: Int32Array.of(5), maxTokens: 4 })));
      for (const { tokens } of await Promise.all(all)) expect(tokens).toHaveLength(4);
      const lanes = decoder.plans.map(({ chunks }) => chunks.map(({ lane }) => lane));
      expect(lanes).toEqual([[0], [0, 1], [2, 0], [1, 0], [1, 2], [1, 2], [2]]);
    });
  });

  describe('a request with pictures', () => {
    const pictures = (name: string, keys = ['cat']) => createVisualRequest(keys, { requestId: requestId(name) });
    const asksOf = ({ events }: Seen) => events.filter((event) => event.kind === 'encodeHere');

    test('asks for each of them, stages them, and unstages them at its end', async () => {
      const asked = pictures('a', ['cat', 'dog']);
      const seen = await run(asked);
      expect(asksOf(seen)).toEqual([
        { kind: 'encodeHere', mediaIndex: 0, encoderAddress: 'fake-encoder', ticket: 'a/0/0/0/0' },
        { kind: 'encodeHere', mediaIndex: 1, encoderAddress: 'fake-encoder', ticket: 'a/0/0/1/1' },
      ]);
      expect(seen.tokens).toEqual(await tokensAlone(asked));
      await settled();
      expect(decoder.stagings).toEqual([
        ['stage', cat],
        ['stage', dog],
        ['unstage', cat],
        ['unstage', dog],
      ]);
    });

    test('asks for none that the encoder holds', async () => {
      encoder.put(cat, 4);
      const asked = pictures('a');
      const seen = await run(asked);
      expect(asksOf(seen)).toEqual([]);
      expect(seen.tokens).toEqual(await tokensAlone(asked));
    });

    test('asks once for a picture that it shows twice', async () => {
      const asked = pictures('a', ['cat', 'cat']);
      const seen = await run(asked);
      expect(asksOf(seen)).toHaveLength(1);
      expect(encoder.fetched).toEqual([cat]);
      expect(seen.tokens).toEqual(await tokensAlone(asked));
    });

    test('asks again, under another ticket, when the rows were evicted before it had them', async () => {
      encoder.missNextFetch();
      const asked = pictures('a');
      const seen = await run(asked);
      const tickets = asksOf(seen).map(({ ticket }) => ticket);
      expect(tickets).toEqual(['a/0/0/0/0', 'a/0/0/0/1']);
      expect(seen.tokens).toEqual(await tokensAlone(asked));
    });

    test('shares the picture with others that show it, for as long as one of them runs', async () => {
      const open = decoder.steps.hold();
      const short = run({ ...pictures('a'), maxTokens: 1 });
      const long = run({ ...pictures('b'), maxTokens: 6 });
      await decoder.steps.arrival();
      expect(scheduler.snapshot.numStagedEmbeddings).toBe(1);
      open();
      await short;
      expect(decoder.stagedKeys).toEqual([cat]);
      expect((await long).tokens).toEqual(await tokensAlone({ ...pictures('b'), maxTokens: 6 }));
      await settled();
      expect(encoder.fetched).toEqual([cat]);
      expect(decoder.stagings).toHaveLength(2);
    });

    test('holds up no other while it waits for its pictures', async () => {
      const waiting = new AbortController();
      const visual = run(pictures('a'), waiting.signal, () => {});
      expect((await run(request('b'))).tokens).toHaveLength(4);
      expect(scheduler.snapshot).toMatchObject({ numPreparing: 1, numRunning: 0 });
      encoder.put(cat, 4);
      expect((await visual).tokens).toHaveLength(4);
    });

    for (const [what, fail] of [
      ['fetched', () => encoder.failNextFetch()],
      ['staged', () => decoder.failNextStage()],
    ] as const) {
      test(`fails when one of them cannot be ${what}, and lets go of the others`, async () => {
        fail();
        const { error, tokens } = await run(pictures('a', ['cat', 'dog']));
        expect(error).toBeInstanceOf(ServingError);
        expect(tokens).toEqual([]);
        await expectIdle();
        expect((await run(pictures('b', ['cat', 'dog']))).tokens).toHaveLength(4);
      });
    }
  });

  describe('a cancelled request frees all that it holds', () => {
    const cancelled = { name: 'ServingError', reason: 'cancelled' };

    test('before it began', async () => {
      const { error } = await run(createVisualRequest(['cat']), AbortSignal.abort());
      expect(error).toMatchObject(cancelled);
      expect(decoder.plans).toEqual([]);
    });

    test('while it waits for a picture to be encoded', async () => {
      const controller = new AbortController();
      const { error } = await run(createVisualRequest(['cat']), controller.signal, () => controller.abort());
      expect(error).toMatchObject(cancelled);
    });

    test('while its picture is fetched', async () => {
      const controller = new AbortController();
      encoder.put(cat, 4);
      const open = encoder.fetches.hold();
      const seen = run(createVisualRequest(['cat', 'dog']), controller.signal);
      await encoder.fetches.arrival();
      controller.abort();
      open();
      expect((await seen).error).toMatchObject(cancelled);
    });

    test('while it waits for room', async () => {
      start({ numLanes: 1 });
      const open = decoder.steps.hold();
      const controller = new AbortController();
      const [first, second] = [run(request('a')), run(request('b'), controller.signal)];
      const third = run(request('c'));
      await decoder.steps.arrival();
      controller.abort();
      expect((await second).error).toMatchObject(cancelled);
      open();
      expect((await first).tokens).toHaveLength(4);
      expect((await third).tokens).toHaveLength(4);
      expect(decoder.plans.flatMap(({ admitted }) => admitted.map(({ sequenceId }) => sequenceId))).toEqual([
        'a/0/0',
        'c/0/0',
      ]);
    });

    test('while a step computes it, at once for the caller and for the others after the step', async () => {
      const controller = new AbortController();
      const other = request('b', { maxTokens: 6 });
      const seen = [run(request('a', { maxTokens: 30 }), controller.signal), run(other)];
      await decoder.steps.arrival();
      await decoder.steps.arrival();
      const open = decoder.steps.hold();
      await decoder.steps.arrival();
      controller.abort();
      const { error, tokens } = await seen[0];
      expect(error).toMatchObject(cancelled);
      expect(tokens.length).toBeLessThan(5);
      expect(scheduler.snapshot.numRunning).toBe(2);
      open();
      expect((await seen[1]).tokens).toEqual(await tokensAlone(other));
    });

    test('in the middle of its prompt', async () => {
      const controller = new AbortController();
      const seen = run(request('a', { tokenIds: new Int32Array(30) }), controller.signal);
      await decoder.steps.arrival();
      const open = decoder.steps.hold();
      await decoder.steps.arrival();
      controller.abort();
      open();
      expect((await seen).error).toMatchObject(cancelled);
      await settled();
      expect(decoder.plans.length).toBeLessThan(4);
    });

    test('by leaving the loop early', async () => {
      for await (const event of scheduler.generate(request('a', { maxTokens: 30 }), new AbortController().signal)) {
        if (event.kind === 'tokens') break;
      }
      await settled();
      expect(decoder.plans.length).toBeLessThan(5);
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
      const open = decoder.steps.hold();
      const seen = run(request('a', { deadlineMs: 1000 }));
      await decoder.steps.arrival();
      vi.advanceTimersByTime(599);
      await settled();
      expect(scheduler.snapshot.numRunning).toBe(1);
      vi.advanceTimersByTime(1);
      expect((await seen).error).toMatchObject({ reason: 'deadline_exceeded' });
      open();
    });

    test('ends a request that waits for a picture', async () => {
      const seen = run({ ...createVisualRequest(['cat']), deadlineMs: 50 }, undefined, () => {});
      await settled();
      vi.advanceTimersByTime(50);
      expect((await seen).error).toMatchObject({ reason: 'deadline_exceeded' });
    });

    test('ends a request at once that comes too late', async () => {
      now.mockReturnValueOnce(2000);
      const open = decoder.steps.hold();
      const seen = run(request('a', { deadlineMs: 1000 }));
      await settled();
      vi.advanceTimersByTime(0);
      expect((await seen).error).toMatchObject({ reason: 'deadline_exceeded' });
      open();
    });

    test('may lie further ahead than a timer can be set', async () => {
      const seen = run(request('a', { deadlineMs: Number.MAX_SAFE_INTEGER, maxTokens: 2 }), undefined);
      vi.advanceTimersByTime(1000);
      expect((await seen).error).toBeUndefined();
    });

    test('is forgotten when the request ends in time', async () => {
      await run(request('a', { deadlineMs: 1000 }));
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  describe('a failed step', () => {
    const lost = new ServingError('internal', 'A row was lost.');

    test('fails the sequences that it computed, and the loop goes on with the others', async () => {
      start({ maxStepTokens: 3 });
      const open = decoder.steps.hold();
      const seen = [run(request('a')), run(request('b')), run(request('c'))];
      await decoder.steps.arrival();
      decoder.failNextStep(lost);
      open();
      const [first, second, third] = await Promise.all(seen);
      expect(first.error).toBe(lost);
      expect(second.tokens).toEqual(await tokensAlone(request('b')));
      expect(third.tokens).toEqual(await tokensAlone(request('c')));
    });

    test('fails every sequence of a batch', async () => {
      const seen = [run(request('a')), run(request('b'))];
      await decoder.steps.arrival();
      await decoder.steps.arrival();
      const open = decoder.steps.hold();
      await decoder.steps.arrival();
      decoder.failNextStep(lost);
      open();
      for (const { error } of await Promise.all(seen)) expect(error).toBe(lost);
    });

    test('leaves running what it did not come to', async () => {
      start({ maxStepTokens: 2 });
      const seen = ['a', 'b', 'c'].map((name) => run(request(name, { tokenIds: Int32Array.of(4), maxTokens: 5 })));
      await decoder.steps.arrival();
      await decoder.steps.arrival();
      const open = decoder.steps.hold();
      await decoder.steps.arrival();
      decoder.failNextStep(lost);
      open();
      const errors = (await Promise.all(seen)).map(({ error }) => error);
      expect(errors).toEqual([lost, undefined, lost]);
    });

    test('takes no lane from those that come after it, not even one that it released', async () => {
      const seenBefore = [run(request('a', { maxTokens: 2 })), run(request('b', { maxTokens: 10 }))];
      await decoder.steps.arrival();
      await decoder.steps.arrival();
      const open = decoder.steps.hold();
      await decoder.steps.arrival();
      decoder.failNextStep(lost);
      open();
      const [short, long] = await Promise.all(seenBefore);
      expect(decoder.plans[2]).toMatchObject({ released: [0], chunks: [{ lane: 1 }] });
      expect([short.error, long.error]).toEqual([undefined, lost]);
      const later = ['c', 'd', 'e', 'f'].map((name) => request(name));
      const seen = await Promise.all(later.map((asked) => run(asked)));
      for (const [i, { tokens }] of seen.entries()) expect(tokens).toEqual(await tokensAlone(later[i]));
    });

    test('that could not choose a token for one sequence fails it alone', async () => {
      encoder.spoil(cat);
      const asked = request('b', { maxTokens: 9 });
      const [broken, other] = await Promise.all([run(createVisualRequest(['cat'])), run(asked)]);
      expect(broken.tokens).toEqual([]);
      expect(broken.error).toMatchObject({ reason: 'internal', message: expect.stringContaining('No token') });
      expect(other.tokens).toEqual(await tokensAlone(asked));
      expect(scheduler.snapshot.failure).toBeUndefined();
    });

    test('frees the pictures of its sequences', async () => {
      decoder.failNextStep(lost);
      expect((await run(createVisualRequest(['cat', 'dog']))).error).toBe(lost);
    });
  });

  describe('a dead decoder', () => {
    const dead = { name: 'ServingError', reason: 'worker_failed' };
    // The rows died with it: what it says of them counts no more.
    afterEach(() => start());

    test('fails what runs, what waits, what prepares and what comes', async () => {
      start({ numLanes: 1 });
      decoder.steps.hold();
      const seen = [run(request('a')), run(request('b')), run(createVisualRequest(['cat']))];
      const preparing = run(createVisualRequest(['dog']), undefined, () => {});
      await settled();
      decoder.die();
      for (const { error } of await Promise.all(seen)) expect(error).toMatchObject(dead);
      encoder.put(dog, 4);
      expect((await preparing).error).toMatchObject(dead);
      expect((await run(request('c'))).error).toMatchObject(dead);
      const { numFreePages, numFreeLanes, numStagedEmbeddings } = scheduler.snapshot;
      expect([numFreePages, numFreeLanes, numStagedEmbeddings]).toEqual([16, 1, 0]);
    });

    test('is told by the snapshot', async () => {
      decoder.steps.hold();
      const seen = run(request('a'));
      await decoder.steps.arrival();
      expect(scheduler.snapshot.failure).toBeUndefined();
      decoder.die();
      await seen;
      expect(scheduler.snapshot.failure).toMatchObject(dead);
    });

    test('rejects nothing that nobody listens to', async () => {
      const open = decoder.steps.hold();
      const seen = run(createVisualRequest(['cat']));
      await decoder.steps.arrival();
      decoder.die();
      open();
      expect((await seen).error).toMatchObject(dead);
      await settled();
      expect(scheduler.snapshot.numStagedEmbeddings).toBe(0);
    });
  });

  describe('a result that contradicts its plan', () => {
    // Nothing that the loop counted can be relied on.
    afterEach(() => start());

    test('ends all requests with an error, those to come too, and is told by the snapshot', async () => {
      start({ numLanes: 2 });
      const step = decoder.step.bind(decoder);
      vi.spyOn(decoder, 'step').mockImplementation(async (plan) => ({ ...(await step(plan)), outputs: [] }));
      const broken = { reason: 'internal', message: expect.stringContaining('a step says nothing of a/0/0') };
      const preparing = run(createVisualRequest(['dog']), undefined, () => {});
      const seen = await Promise.all(['a', 'b', 'c'].map((name) => run(request(name))));
      for (const { error } of seen) expect(error).toMatchObject(broken);
      encoder.put(dog, 4);
      expect((await preparing).error).toMatchObject(broken);
      expect((await run(request('d'))).error).toMatchObject(broken);
      expect(scheduler.snapshot).toMatchObject({ failure: broken, numRunning: 0, numWaiting: 0 });
    });
  });

  test('comes back to rest after anything, with every count right on the way', async () => {
    const random = new SeededRandom(4);
    start({ numLanes: 3 }, 40);
    const running = new Set<Promise<void>>();
    let numFinished = 0;
    for (let operation = 0; operation < 250; operation++) {
      const controller = new AbortController();
      const keys = Array.from({ length: random.integer(0, 2) }, () => random.pick(['cat', 'dog', 'owl']));
      const asked = createVisualRequest(keys, {
        requestId: requestId(`r${operation}`),
        maxTokens: random.integer(1, 10),
        sampling: createSamplingParams({ temperature: 1, seed: operation }),
      });
      const chance = random.uniform();
      if (chance < 0.05) decoder.failNextStep();
      else if (chance < 0.1) encoder.missNextFetch();
      else if (chance < 0.15) encoder.evict(embeddingKey(random.pick(['cat', 'dog', 'owl'])));
      const work = run(asked, controller.signal).then(async ({ tokens, error }) => {
        const alone = await tokensAlone(asked);
        expect(tokens).toEqual(alone.slice(0, tokens.length));
        if (!error) expect(tokens.length).toBe(alone.length);
        if (!error) numFinished++;
      });
      running.add(work);
      void work.finally(() => running.delete(work));
      if (random.uniform() < 0.3) void Promise.resolve().then(() => controller.abort());
      if (random.uniform() < 0.1) setImmediate(() => controller.abort());
      for (let turns = random.integer(0, 12); turns > 0; turns--) await Promise.resolve();
      const { numRunning, numFreeLanes, numFreePages } = scheduler.snapshot;
      expect(numRunning + numFreeLanes).toBe(3);
      expect(numFreePages).toBeGreaterThanOrEqual(0);
      if (random.uniform() < 0.05) await Promise.all(running);
    }
    await Promise.all(running);
    expect(numFinished).toBeGreaterThan(60);
    await expectIdle();
  });
});
