import { embeddingKey, type Request, requestId, type Segment } from '@tessera/domain';
import { prefixHashesOf, rootHash } from '@tessera/kv';
import { createRequest, createVisualRequest, createVisualSegment, positionsOf } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SchedulerWorld, type Seen } from './testing/scheduler-world.js';
import { tokensAlone } from './testing/tokens-alone.js';

const root = rootHash({ modelRevision: 'fake', tenant: 'tenant', salt: 'salt' });
const beginning = Array.from({ length: 12 }, (_, i) => i + 10);

/** Begins as all of these do, with three pages of text; then come pictures. */
function request(name: string, keys: readonly string[], given: Partial<Request> = {}): Request {
  const tokenIds = [...beginning];
  const segments: Segment[] = [{ kind: 'text', offset: 0, length: tokenIds.length }];
  for (const [mediaIndex, key] of keys.entries()) {
    segments.push(createVisualSegment({ offset: tokenIds.length, mediaIndex, embeddingKey: embeddingKey(key) }));
    tokenIds.push(9, 9, 9, 9);
  }
  segments.push({ kind: 'text', offset: tokenIds.length, length: 1 });
  const asked = createRequest({
    requestId: requestId(name),
    tokenIds: Int32Array.of(...tokenIds, 3),
    segments,
    positions: positionsOf(segments),
    ...given,
  });
  return { ...asked, prefix: prefixHashesOf(asked, root, 4) };
}

describe('the next in turn', () => {
  let world: SchedulerWorld;
  let ending: AbortController;
  /** Waits for its second picture on the first group, whose staging it takes. */
  let blocking: Promise<Seen>;

  beforeEach(async () => {
    ending = new AbortController();
    const kvLayout = { dtype: 'float32', pageLen: 4, numPages: 12, layersPerMemory: 1 } as const;
    world = new SchedulerWorld({ numGroups: 2, config: { stagingTokens: 8 }, description: { kvLayout } });
    await world.run(request('first', [], { maxTokens: 1 }));
    world.hold(embeddingKey('cat'));
    blocking = world.run(
      createVisualRequest(['cat', 'owl'], { requestId: requestId('blocking') }),
      ending.signal,
      () => false,
    );
    await world.settled();
  });
  afterEach(async () => {
    ending.abort();
    await blocking;
    await world.settled();
    world.scheduler.checkIntegrity();
  });
  const groupOf = (name: string) =>
    world.placements.flatMap(({ groupId, sequenceId }) => (sequenceId.startsWith(name) ? groupId : []));

  test('runs on an idle group as soon as the one with its prefix has no room left', async () => {
    let hasGrown = false;
    const growing = world.run(request('growing', [], { maxTokens: 22 })).finally(() => {
      hasGrown = true;
    });
    let hasWaited: boolean | undefined;
    const asked = request('next', ['dog', 'fox']);
    const seen = await world.run(asked, undefined, ({ kind }) => {
      if (kind === 'started') hasWaited = hasGrown;
      return true;
    });
    expect(seen.tokens).toEqual(await tokensAlone(asked));
    expect([groupOf('blocking'), groupOf('growing'), groupOf('next')]).toEqual([['group-0'], ['group-0'], ['group-1']]);
    expect(hasWaited).toBe(false);
    await growing;
  });

  test('runs on an idle group when the one with its prefix is lost', async () => {
    const asked = request('next', ['dog', 'fox']);
    const seen = world.run(asked);
    await world.settled();
    expect(groupOf('next')).toEqual([]);
    world.evict(embeddingKey('cat'));
    await world.settled();
    world.loseGroup(world.groups[0]!);
    expect((await seen).tokens).toEqual(await tokensAlone(asked));
    expect(groupOf('next')).toEqual(['group-1']);
  });
});
