import {
  blockHash,
  type EmbeddingKey,
  EventQueue,
  embeddingKey,
  type Request,
  requestId,
  type SchedulerEvent,
  ServingError,
  type StepPlan,
} from '@tessera/domain';
import { prefixHashesOf } from '@tessera/kv';
import {
  createRequest,
  createVisualRequest,
  FakeEmbeddingStore,
  FakeRankGroup,
  fakeDescription,
} from '@tessera/testkit';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Sequence } from '../sequence.js';
import { tokensAlone } from '../testing/tokens-alone.js';
import { GroupLoop, type GroupLoopHooks } from './group-loop.js';

const cat = embeddingKey('cat');

describe('GroupLoop', () => {
  let group: FakeRankGroup;
  let store: FakeEmbeddingStore;
  let loop: GroupLoop;
  let queue: Sequence[];
  /** What the loop told, in order. */
  let heard: string[];
  let numArrivals: number;

  const start = (isOverlapped = true, given: Partial<FakeRankGroup['description']> = {}): void => {
    store = new FakeEmbeddingStore();
    group = new FakeRankGroup({ stores: new Map([['encoder', store]]), description: given });
    queue = [];
    heard = [];
    numArrivals = 0;
    const hooks: GroupLoopHooks = {
      admitNext: ({ state, staging }) => {
        const next = queue[0];
        if (!next || state.numFreeLanes === 0 || !staging.reserve(next, next.visuals)) return undefined;
        queue.shift();
        state.admit(next, []);
        return next;
      },
      isSuspectNext: () => queue[0]?.isSuspect ?? false,
      putBack: (sequence) => {
        heard.push(`back ${sequence.id}`);
        queue.push(sequence);
        queue.sort((a, b) => Number(b.isSuspect) - Number(a.isSuspect) || a.order - b.order);
      },
      onEnd: ({ id }) => heard.push(`end ${id}`),
      onTokens: () => {},
      holderOf: (key: EmbeddingKey) => (store.holds(key) ? 'encoder' : undefined),
      onFetched: ({ id }, key) => heard.push(`${key} for ${id}`),
      onMiss: (_address, key) => heard.push(`missed ${key}`),
      onStageFailed: (_loop, key, { message }, users) => heard.push(`${key} failed ${users.length}: ${message}`),
      onStep: (_loop, { stepId }) => heard.push(`step ${stepId}`),
      onLost: (_loop, { message }) => heard.push(`lost: ${message}`),
    };
    loop = new GroupLoop(group, hooks, { isOverlapped, stagingTokens: 100 });
  };
  beforeEach(() => start());

  /** The tokens of a request, once it has ended. */
  const run = async (name: string, given: Partial<Request> = {}, asked = createRequest(given)): Promise<number[]> => {
    const events = new EventQueue<SchedulerEvent>();
    queue.push(new Sequence({ ...asked, requestId: requestId(name) }, events, numArrivals++));
    loop.wake();
    const tokens: number[] = [];
    for await (const event of events) {
      if (event.kind === 'tokens') tokens.push(...event.tokens.map(({ tokenId }) => tokenId));
    }
    return tokens;
  };
  const rest = async (): Promise<void> => {
    await vi.waitFor(() => expect([loop.isIdle, loop.state.releasedLanes]).toEqual([true, []]), { interval: 0 });
    loop.checkIntegrity();
  };
  const rowsOf = () =>
    group.engine.plans.map(({ chunks }) => chunks.map(({ input }) => (input.kind === 'known' ? input.numTokens : 1)));

  test('plans the next step while one runs, and drops the row of an end that it learns of late', async () => {
    const asked = createRequest({ maxTokens: 9 });
    const [, stop] = await tokensAlone(asked);
    expect(await run('a', { maxTokens: 9, stopTokenIds: [stop!] })).toHaveLength(2);
    await rest();
    expect(rowsOf()).toEqual([[3], [1], [1], []]);
  });

  test('does not compute a row after an end that is known before', async () => {
    await run('a', { maxTokens: 2 });
    await rest();
    expect(rowsOf()).toEqual([[3], [1], []]);
  });

  test('waits for each result when it is plain, and gives the same tokens', async () => {
    start(false);
    const asked = createRequest({ maxTokens: 9 });
    const [, stop] = await tokensAlone(asked);
    expect(await run('a', { maxTokens: 9, stopTokenIds: [stop!] })).toHaveLength(2);
    await rest();
    expect(rowsOf()).toEqual([[3], [1], []]);
  });

  test('tells of steps and ends, and sends what it has left to release when nobody runs', async () => {
    await Promise.all([run('a', { maxTokens: 1 }), run('b', { maxTokens: 1 })]);
    await rest();
    expect(heard).toEqual(['end a/0/0', 'end b/0/0', 'step 0', 'step 1']);
    expect(group.engine.plans[1]).toMatchObject({ released: [0, 1], chunks: [] });
  });

  test('gets a picture and computes it when it is there', async () => {
    store.put(cat, 4);
    const asked = createVisualRequest(['cat']);
    expect(await run('a', {}, asked)).toEqual(await tokensAlone(asked));
    await rest();
    expect(heard.slice(0, 1)).toEqual(['cat for a/0/0']);
    expect(group.engine.stagedKeys).toEqual([]);
  });

  describe('after a failed step', () => {
    test('lets nothing be planned until the step behind it has ended, then runs suspects one by one', async () => {
      const all = [run('a'), run('b')];
      await group.engine.steps.arrival();
      group.engine.failNextStep();
      for (const tokens of await Promise.all(all)) expect(tokens).toEqual(await tokensAlone(createRequest()));
      await rest();
      expect(heard.filter((what) => what.startsWith('back'))).toEqual(['back a/0/0', 'back b/0/0']);
      const admissions = group.engine.plans.map(({ admitted, chunks }) => [admitted.length, chunks.length]);
      // Both, then the row that was planned behind, then each alone; a has finished a step when b comes.
      expect(admissions.slice(0, 4)).toEqual([
        [2, 2],
        [0, 2],
        [1, 1],
        [1, 1],
      ]);
    });

    test('ends who fails again, alone, and goes on with the others', async () => {
      const step = group.step.bind(group);
      group.step = (plan) => {
        const isBad = plan.admitted.some(({ sequenceId }) => sequenceId === 'a/0/0');
        return isBad ? Promise.reject(new Error('A row was lost.')) : step(plan);
      };
      const [bad, good] = await Promise.allSettled([run('a'), run('b')]);
      expect(bad).toMatchObject({
        reason: { reason: 'quarantined', message: expect.stringContaining('A row was lost.') },
      });
      expect(good).toEqual({ status: 'fulfilled', value: await tokensAlone(createRequest()) });
      await rest();
    });

    test('releases again what the step was to release, and sends its seals again', async () => {
      const step = group.step.bind(group);
      const plans: StepPlan[] = [];
      group.step = (plan) => {
        if (plan.released.length > 0) plans.push(plan);
        return plans.length === 1 ? Promise.reject(new Error('The release was lost.')) : step(plan);
      };
      const prompt = createRequest({ tokenIds: new Int32Array(4), maxTokens: 1 });
      await run('a', {}, { ...prompt, prefix: prefixHashesOf(prompt, blockHash('0'.repeat(64)), 4) });
      await rest();
      for (const plan of plans) expect(plan).toMatchObject({ released: [0], seals: [{ pageId: 0, generation: 1 }] });
      expect(plans.map(({ stepId }) => stepId)).toEqual([1, 2]);
    });

    test('leaves a lane that it was to release to a newcomer of the step behind it', async () => {
      start(true, { numLanes: 2 });
      const step = group.step.bind(group);
      let newcomer: Promise<number[]> | undefined;
      group.step = async (plan) => {
        if (newcomer || plan.released.length === 0) return step(plan);
        newcomer = run('c', { maxTokens: 6 });
        await step(plan);
        throw new Error('The result was lost.');
      };
      await Promise.all([run('a', { maxTokens: 1 }), run('b', { maxTokens: 9 })]);
      expect(await newcomer).toEqual(await tokensAlone(createRequest({ maxTokens: 6 })));
      await rest();
      expect(heard.filter((what) => what.startsWith('back'))).toEqual(['back b/0/0']);
    });
  });

  describe('when the group is lost', () => {
    test('puts back what it ran, those in a step as suspects, and tells first that it is gone', async () => {
      store.fetches.hold();
      store.put(cat, 4);
      void run('a');
      void run('b', {}, createVisualRequest(['cat']));
      await group.engine.steps.arrival();
      group.lose(new ServingError('worker_failed', 'Rank 1 is gone.'));
      await vi.waitFor(() => expect(heard).toHaveLength(3), { interval: 0 });
      expect(heard).toEqual(['lost: Rank 1 is gone.', 'back a/0/0', 'back b/0/0']);
      expect(queue.map(({ id, isSuspect, residence }) => [id, isSuspect, residence])).toEqual([
        ['a/0/0', true, undefined],
        ['b/0/0', true, undefined],
      ]);
      expect(loop.state.running.size).toBe(0);
    });

    for (const reason of ['shutting_down', 'epoch_refused', 'cancelled'] as const) {
      test(`suspects nobody when it was let go: ${reason}`, async () => {
        for (const lose of [(error: Error) => group.lose(error), (error: Error) => group.engine.failNextStep(error)]) {
          start();
          void run('a');
          const open = group.engine.steps.hold();
          await group.engine.steps.arrival();
          lose(new ServingError(reason, 'Another one leads.'));
          open();
          await vi.waitFor(() => expect(queue).toHaveLength(1), { interval: 0 });
          expect(heard).toEqual(['lost: Another one leads.', 'back a/0/0']);
          expect(queue[0]).toMatchObject({ isSuspect: false, residence: undefined });
        }
      });
    }

    test('plans nothing more', async () => {
      group.lose();
      await group.lost;
      queue.push(new Sequence(createRequest(), new EventQueue(), 0));
      loop.wake();
      await new Promise((resolve) => setImmediate(resolve));
      expect(group.engine.plans).toEqual([]);
    });
  });

  for (const [title, spoil] of [
    ['leaves out a sequence', { outputs: [] }],
    ['is of another step', { stepId: 7 }],
  ] as const) {
    test(`lets the group go whose result ${title}`, async () => {
      const step = group.step.bind(group);
      group.step = async (plan) => ({ ...(await step(plan)), ...spoil });
      void run('a');
      await expect(group.lost).resolves.toMatchObject({ reason: 'shutting_down' });
      expect(heard[0]).toMatch(/^lost: /);
      expect(queue.map(({ id }) => id)).toEqual(['a/0/0']);
    });
  }

  test('says so when somebody keeps what nobody uses', () => {
    const sequence = new Sequence(createVisualRequest(['cat']), new EventQueue(), 0);
    loop.staging.reserve(sequence, sequence.visuals);
    expect(() => loop.checkIntegrity()).toThrow('group group is idle and keeps 1 embeddings');
    expect(fakeDescription.numLanes).toBe(loop.state.numFreeLanes);
  });
});
