import { getEventListeners } from 'node:events';
import { type ErrorReason, type Request, type SchedulerEvent, ServingError } from '@tessera/domain';
import { createRequest } from '@tessera/testkit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { tinyModel, untilAborted } from '../testing/scripted-scheduler.js';
import type { Leader } from './cell.js';
import { createResumingScheduler, type ResumeOptions } from './resuming-scheduler.js';
import type { Upload } from './run-attempt.js';

afterEach(() => void vi.useRealTimers());

const never = new AbortController().signal;
const noUpload: Upload = () => Promise.reject(new Error('no picture was asked for'));
const day = 86_400_000;

type Attempt = (request: Request, signal: AbortSignal) => AsyncIterable<SchedulerEvent>;

/** A cell whose leaders answer the n-th attempt as the n-th script says; the first can be deposed. */
function scripted(attempts: readonly Attempt[], options: Partial<ResumeOptions> = {}) {
  const requests: Request[] = [];
  const interruptions: string[] = [];
  const deposal = new AbortController();
  let numRefreshes = 0;
  const leader: Omit<Leader, 'deposed'> = {
    address: 'leader',
    model: tinyModel,
    waitingFor: undefined,
    scheduler: {
      generate: (request, signal) => {
        requests.push(request);
        return attempts[requests.length - 1]!(request, signal);
      },
    },
  };
  const scheduler = createResumingScheduler(
    {
      whenLed: async () => ({ ...leader, deposed: requests.length === 0 ? deposal.signal : never }),
      refresh: () => void numRefreshes++,
    },
    {
      resumeMs: day,
      random: () => 0,
      onInterrupted: ({ attempt }, { reason }) => interruptions.push(`${attempt} ${reason}`),
      ...options,
    },
  );
  return { scheduler, requests, interruptions, deposal, numRefreshes: () => numRefreshes };
}

const request = createRequest({ maxTokens: 6 });
const token = (outputIndex: number) => ({ tokenId: 100 + outputIndex, outputIndex });
const tokens = (...indices: number[]): SchedulerEvent => ({ kind: 'tokens', tokens: indices.map(token) });
const finished: SchedulerEvent = {
  kind: 'finished',
  reason: 'length',
  usage: { numPromptTokens: 3, numCachedTokens: 0, numOutputTokens: 6 },
};

/** Says these events, then fails. */
const fail = (reason: ErrorReason, ...events: SchedulerEvent[]): Attempt =>
  async function* () {
    yield* events;
    throw new ServingError(reason, `no: ${reason}`);
  };
const succeed = (...events: SchedulerEvent[]): Attempt =>
  async function* () {
    yield* events;
    yield finished;
  };

async function collect(events: AsyncIterable<SchedulerEvent>): Promise<SchedulerEvent[]> {
  const collected: SchedulerEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}
const indicesOf = (events: readonly SchedulerEvent[]) =>
  events.flatMap((event) => (event.kind === 'tokens' ? event.tokens.map(({ outputIndex }) => outputIndex) : []));

describe('an interrupted request', () => {
  for (const reason of ['worker_failed', 'not_ready', 'shutting_down', 'not_leader'] as const) {
    it(`is submitted again with its tokens after ${reason}`, async () => {
      const world = scripted([fail(reason, tokens(0), tokens(1, 2)), fail(reason, tokens(3)), succeed(tokens(4, 5))]);
      const events = await collect(world.scheduler.generate(request, noUpload, never));
      expect(indicesOf(events)).toEqual([0, 1, 2, 3, 4, 5]);
      expect(events.at(-1)).toBe(finished);
      const resumed = world.requests.map(({ attempt, resumeTokens }) => [attempt, resumeTokens]);
      expect(resumed).toEqual([
        [0, []],
        [1, [100, 101, 102]],
        [2, [100, 101, 102, 103]],
      ]);
      expect(world.requests[2]).toEqual({ ...request, attempt: 2, resumeTokens: [100, 101, 102, 103] });
      expect([world.interruptions, world.numRefreshes()]).toEqual([[`0 ${reason}`, `1 ${reason}`], 2]);
    });
  }

  it('goes on behind the tokens that it came with', async () => {
    const world = scripted([fail('worker_failed', tokens(2)), succeed(tokens(3))]);
    const again = createRequest({ attempt: 4, resumeTokens: [100, 101] });
    expect(indicesOf(await collect(world.scheduler.generate(again, noUpload, never)))).toEqual([2, 3]);
    expect(world.requests[1]).toMatchObject({ attempt: 5, resumeTokens: [100, 101, 102] });
  });

  it('shows no token twice', async () => {
    const world = scripted([fail('worker_failed', tokens(0, 1)), succeed(tokens(0, 1), tokens(1, 2, 3))]);
    const events = await collect(world.scheduler.generate(request, noUpload, never));
    expect(events).toEqual([tokens(0, 1), tokens(2, 3), finished]);
  });

  it('is not sent away by a full queue, but a new one is', async () => {
    const world = scripted([fail('worker_failed', tokens(0)), fail('queue_full'), succeed(tokens(1))]);
    expect(indicesOf(await collect(world.scheduler.generate(request, noUpload, never)))).toEqual([0, 1]);
    const refused = scripted([fail('queue_full')]).scheduler.generate(request, noUpload, never);
    await expect(collect(refused)).rejects.toMatchObject({ reason: 'queue_full' });
  });

  it('moves on when its leader is deposed without a word', async () => {
    const hang: Attempt = async function* (_request, signal) {
      yield tokens(0);
      await untilAborted(signal).catch(() => {
        throw new ServingError('cancelled', 'the request was cancelled');
      });
    };
    const world = scripted([hang, succeed(tokens(1))]);
    const events: SchedulerEvent[] = [];
    for await (const event of world.scheduler.generate(request, noUpload, never)) {
      events.push(event);
      if (events.length === 1) queueMicrotask(() => world.deposal.abort(new ServingError('not_leader', 'b leads')));
    }
    expect(indicesOf(events)).toEqual([0, 1]);
    expect(world.interruptions).toEqual(['0 not_leader']);
  });

  it('ends with the last error when its time is over', async () => {
    const world = scripted([fail('worker_failed', tokens(0))], { resumeMs: 0 });
    await expect(collect(world.scheduler.generate(request, noUpload, never))).rejects.toMatchObject({
      reason: 'worker_failed',
    });
    expect(world.interruptions).toEqual([]);
  });

  it('ends when its client leaves', async () => {
    const client = new AbortController();
    const reason = new ServingError('cancelled', 'the client closed the connection');
    const world = scripted([
      async function* () {
        yield tokens(0);
        client.abort(reason);
        throw new ServingError('worker_failed', 'no');
      },
    ]);
    await expect(collect(world.scheduler.generate(request, noUpload, client.signal))).rejects.toBe(reason);
  });

  it('is not told which scheduler leads', async () => {
    const world = scripted([fail('not_leader')], { resumeMs: 0 });
    await expect(collect(world.scheduler.generate(request, noUpload, never))).rejects.toMatchObject({
      reason: 'not_ready',
    });
  });
});

describe('what is no interruption ends the request', () => {
  for (const reason of ['deadline_exceeded', 'quarantined', 'context_length_exceeded', 'internal'] as const) {
    it(reason, async () => {
      const world = scripted([fail(reason, tokens(0))]);
      await expect(collect(world.scheduler.generate(request, noUpload, never))).rejects.toMatchObject({ reason });
    });
  }

  it('a token that leaves a gap, naming both', async () => {
    const world = scripted([succeed(tokens(0), tokens(2))]);
    await expect(collect(world.scheduler.generate(request, noUpload, never))).rejects.toMatchObject({
      reason: 'internal',
      message: 'token 2 came where 1 was due',
    });
  });

  it('an error that is none of ours', async () => {
    const bug = new TypeError('a bug');
    const world = scripted([
      // biome-ignore lint/correctness/useYield: this scheduler fails before it says anything
      async function* () {
        throw bug;
      },
    ]);
    await expect(collect(world.scheduler.generate(request, noUpload, never))).rejects.toBe(bug);
  });
});

it('a request that finds no leader waits for one no longer than it may be interrupted', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const limits: number[] = [];
  const whenLed = async (_revision: string, limitMs: number): Promise<Leader> => {
    limits.push(limitMs);
    vi.setSystemTime(Date.now() + limitMs);
    throw new ServingError('not_ready', 'the server is not ready: it waits for a scheduler');
  };
  const options = { resumeMs: day, random: () => 0, onInterrupted: () => {} };
  const scheduler = createResumingScheduler({ whenLed, refresh: () => {} }, options);
  await expect(collect(scheduler.generate(request, noUpload, never))).rejects.toMatchObject({ reason: 'not_ready' });
  expect(limits).toEqual([day]);
});

it('leaving early leaves the leader, too', async () => {
  let hasLeft = false;
  const world = scripted([
    async function* () {
      try {
        yield tokens(0);
        yield tokens(1);
      } finally {
        hasLeft = true;
      }
    },
  ]);
  for await (const _event of world.scheduler.generate(request, noUpload, never)) break;
  expect(getEventListeners(world.deposal.signal, 'abort')).toEqual([]);
  expect(hasLeft).toBe(true);
});
