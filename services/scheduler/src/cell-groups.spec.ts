import { type DecoderDescription, type Request, requestId } from '@tessera/domain';
import { createRequest } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SchedulerWorld } from './testing/scheduler-world.js';
import { tokensAlone } from './testing/tokens-alone.js';

describe('the groups of a cell', () => {
  let world: SchedulerWorld;
  beforeEach(() => {
    world = new SchedulerWorld({ numGroups: 0 });
  });
  afterEach(async () => {
    await world.settled();
    world.scheduler.checkIntegrity();
  });

  const add = (given: Partial<DecoderDescription> = {}) => world.addGroup({ description: given });
  const lose = async (group: ReturnType<typeof add>): Promise<void> => {
    world.loseGroup(group);
    await world.settled();
  };
  const request = (name: string, given: Partial<Request> = {}): Request =>
    createRequest({ requestId: requestId(name), ...given });
  /** More than 40 positions. */
  const long = (name: string): Request => request(name, { maxTokens: 40 });

  test('have the context that all of them have, and keep the last word of the last', async () => {
    const [large, small] = [add(), add({ maxContextLen: 40 })];
    expect(world.scheduler.model).toMatchObject({ maxContextLen: 40 });
    expect((await world.run(long('a'))).error).toMatchObject({ reason: 'context_length_exceeded' });
    await lose(small);
    expect(world.scheduler.model).toMatchObject({ maxContextLen: 48 });
    await lose(large);
    expect(world.scheduler.model).toMatchObject({ maxContextLen: 48 });
    add({ maxContextLen: 40 });
    expect(world.scheduler.model).toMatchObject({ maxContextLen: 40 });
  });

  test('run what came before a smaller one where it fits', async () => {
    const large = add({ numLanes: 1 });
    const open = large.engine.steps.hold();
    const first = world.run(request('a'));
    await large.engine.steps.arrival();
    const second = world.run(long('b'));
    await world.settled();
    const small = add({ maxContextLen: 40 });
    await world.settled();
    open();
    expect((await second).tokens).toEqual(await tokensAlone(long('b')));
    expect((await first).tokens).toHaveLength(4);
    expect(small.engine.plans.flatMap(({ admitted }) => admitted.map(({ sequenceId }) => sequenceId))).not.toContain(
      'b/0/0',
    );
  });

  for (const [when, change] of [
    [
      'the only one is lost and comes back smaller',
      async (large: ReturnType<typeof add>) => {
        await lose(large);
        add({ maxContextLen: 40 });
      },
    ],
    [
      'the larger one of two is lost',
      async (large: ReturnType<typeof add>) => {
        add({ maxContextLen: 40 });
        await lose(large);
      },
    ],
  ] as const) {
    test(`fail what is too long for those that are left, and go on with the rest: ${when}`, async () => {
      const large = add({ numLanes: 1 });
      large.engine.steps.hold();
      const [running, waiting, short] = [world.run(long('a')), world.run(long('b')), world.run(request('c'))];
      await large.engine.steps.arrival();
      await change(large);
      for (const seen of [running, waiting]) {
        expect((await seen).error).toMatchObject({
          reason: 'not_ready',
          facts: { given: 43, limit: 40 },
        });
      }
      expect((await short).tokens).toEqual(await tokensAlone(request('c')));
    });
  }

  test('take a request that was let in before as soon as one of them can run it', async () => {
    add({ maxContextLen: 40 });
    const again: Request = { ...long('a'), attempt: 1, resumeTokens: [] };
    expect((await world.run(again)).error).toMatchObject({ reason: 'not_ready', facts: { given: 43, limit: 40 } });
    add();
    expect((await world.run(long('b'))).error).toMatchObject({ reason: 'context_length_exceeded' });
    expect((await world.run(again)).tokens).toHaveLength(40);
  });

  test('may be of another model once none is left, and fail what waits for the old one', async () => {
    const old = add();
    old.engine.steps.hold();
    const seen = world.run(request('a'));
    await old.engine.steps.arrival();
    await lose(old);
    add({ modelRevision: 'other' });
    expect(world.scheduler.model).toMatchObject({ revision: 'other' });
    expect((await seen).error).toMatchObject({ reason: 'invalid_field', facts: { field: 'modelRevision' } });
    expect((await world.run(request('b', { modelRevision: 'other' }))).tokens).toHaveLength(4);
  });
});
