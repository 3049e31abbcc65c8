import { embeddingKey, type Request, requestId, type Segment, ServingError } from '@tessera/domain';
import { prefixHashesOf, rootHash } from '@tessera/kv';
import { createSamplingParams, createVisualRequest, positionsOf, SeededRandom } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { SchedulerWorld, type Seen } from './testing/scheduler-world.js';
import { tokensAlone } from './testing/tokens-alone.js';

const keys = [
  'cat',
  'dog',
  'owl',
  'fox',
  'elk',
  'ant',
  'bee',
  'cow',
  'hen',
  'yak',
  'eel',
  'ape',
  'bat',
  'asp',
  'emu',
  'gnu',
];
const numRequests = 200;
/** What goes wrong on purpose. */
const [noFaults, allFaults] = [{ chance: 0 }, { chance: 0.1 }];

/** Any request: few pictures or many, words that others have too, all classes and tenants. */
function drawRequest(random: SeededRandom, name: string): Request {
  const shown = Array.from({ length: Math.max(0, random.integer(-3, 6)) }, () => random.pick(keys));
  const { tokenIds, segments } = createVisualRequest(shown);
  const words = Array.from({ length: random.integer(1, 12) }, (_, i) => (random.uniform() < 0.9 ? i + 10 : 5));
  const text: Segment = { kind: 'text', offset: tokenIds.length, length: words.length };
  const tenant = random.pick(['a', 'b', 'c']);
  const request = createVisualRequest(shown, {
    requestId: requestId(name),
    tokenIds: Int32Array.of(...tokenIds, ...words),
    segments: [...segments, text],
    positions: positionsOf([...segments, text]),
    tenant,
    class: random.uniform() < 0.25 ? 'batch' : 'interactive',
    priority: random.integer(-1, 1),
    maxTokens: random.integer(1, 48 - tokenIds.length - words.length > 12 ? 12 : 4),
    sampling: createSamplingParams({ temperature: random.pick([0, 1]), seed: random.integer(0, 3) }),
    stopTokenIds: [31],
  });
  const root = rootHash({ modelRevision: 'fake', tenant, salt: 'salt' });
  return random.uniform() < 0.7 ? { ...request, prefix: prefixHashesOf(request, root, 4) } : request;
}

/** Something goes wrong, anywhere. */
function breakSomething(random: SeededRandom, world: SchedulerWorld): void {
  const group = random.pick(world.groups);
  const encoder = random.pick([...world.encoders.values()]);
  const faults = [
    () => encoder.store.missNextFetch(),
    () => encoder.store.failNextFetch(new ServingError('worker_failed', 'The encoder is gone.')),
    () => world.evict(embeddingKey(random.pick(keys)), encoder),
    () => group.engine.failNextStep(),
    () => group.engine.failNextStage(),
    () => {
      world.loseEncoder(encoder);
      world.addEncoder();
    },
    () => {
      world.loseGroup(group);
      world.addGroup();
    },
  ];
  random.pick(faults)();
}

function outcomeOf({ error }: Seen): string {
  if (!error) return 'answered';
  return error instanceof ServingError ? error.reason : `thrown: ${error}`;
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function expectRight(asked: Request, seen: Seen): Promise<void> {
  const alone = await tokensAlone(asked);
  expect(seen.tokens).toEqual(seen.error ? alone.slice(0, seen.tokens.length) : alone);
  const indices = seen.events.flatMap((event) => (event.kind === 'tokens' ? event.tokens : []));
  expect(indices.map(({ outputIndex }) => outputIndex)).toEqual(seen.tokens.map((_, i) => i));
  expect(seen.events.filter(({ kind }) => kind === 'started').length).toBeLessThanOrEqual(1);
}

async function expectIdle(world: SchedulerWorld): Promise<void> {
  await world.settled();
  const { numPages, numFreePages, numCachedPages, numFreeLanes, numGroups, ...counts } = world.scheduler.snapshot;
  expect(counts).toMatchObject({ numWaiting: 0, numRunning: 0, numWantedEmbeddings: 0, numStagedEmbeddings: 0 });
  expect(numFreePages + numCachedPages).toBe(numPages);
  expect([numGroups, numFreeLanes]).toEqual([world.groups.length, 4 * world.groups.length]);
  world.scheduler.checkIntegrity();
  for (const { engine } of world.groups) expect([engine.numLanesInUse, engine.stagedKeys]).toEqual([0, []]);
}

describe('a cell', () => {
  for (const { chance } of [noFaults, allFaults]) {
    for (const isOverlapped of [true, false]) {
      for (const seed of [1, 2]) {
        const how = `${isOverlapped ? 'overlapped' : 'plain'}, ${chance > 0 ? 'whatever breaks' : 'unharmed'}`;
        test(`gives everybody the answer that each gets alone: ${how}, seed ${seed}`, { timeout: 30_000 }, async () => {
          const random = new SeededRandom(seed);
          const config = { isOverlapped, stagingTokens: 24 };
          const kvLayout = { dtype: 'float32', pageLen: 4, numPages: 12, layersPerMemory: 1 } as const;
          const world = new SchedulerWorld({
            numGroups: 2,
            numEncoders: 2,
            cacheBytes: 24 * 16,
            config,
            description: { kvLayout },
          });
          const outcomes = new Map<string, number>();
          const running = Array.from({ length: numRequests }, async (_, i) => {
            const asked = drawRequest(random, `r${i}`);
            const controller = new AbortController();
            const numTurnsToCancel = random.uniform() < 0.2 ? random.integer(0, 200) : undefined;
            for (let turn = random.integer(0, i); turn > 0; turn--) await nextTurn();
            const work = world.run(asked, controller.signal);
            for (let turn = 0; turn < (numTurnsToCancel ?? 0); turn++) await nextTurn();
            if (numTurnsToCancel !== undefined) controller.abort();
            if (random.uniform() < chance) breakSomething(random, world);
            const seen = await work;
            if (random.uniform() < chance) breakSomething(random, world);
            world.scheduler.checkIntegrity();
            await expectRight(asked, seen);
            const outcome = outcomeOf(seen);
            outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
          });
          await Promise.all(running);
          const counts = Object.fromEntries(outcomes);
          const { answered = 0, cancelled = 0, quarantined = 0, worker_failed = 0, internal = 0 } = counts;
          expect(answered + cancelled + quarantined + worker_failed + internal).toBe(numRequests);
          expect(answered).toBeGreaterThan(numRequests / 2);
          if (chance === 0) expect([answered + cancelled, world.stepErrors]).toEqual([numRequests, []]);
          if (internal > 0) expect(world.stageErrors).not.toEqual([]);
          // No plan breaks a rule, but for those that were on their way when the step before them failed.
          const broken = world.stepErrors.filter((message) => message.includes('inconsistent'));
          for (const message of broken) expect(message).toContain('was named by a failed step');
          await expectIdle(world);
        });
      }
    }
  }
});
