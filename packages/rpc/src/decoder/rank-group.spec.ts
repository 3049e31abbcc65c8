import {
  blockHash,
  embeddingKey,
  laneId,
  pageId,
  type RankGroup,
  type Seal,
  ServingError,
  type StepPlan,
  type StepResult,
} from '@tessera/domain';
import { createStepPlan, decodeChunk } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCuttableLink } from '../testing/cuttable-link.js';
import { type RpcWorld, rpcWorlds } from '../testing/rpc-world.js';
import { type RankScript, ScriptedRank, scriptedResult } from '../testing/scripted-rank.js';
import { connectRankGroup, type RankGroupOptions } from './connect-rank-group.js';
import { describeRank } from './describe-rank.js';
import { serveDecoderRank } from './serve-decoder-rank.js';

const never = new AbortController().signal;
const planOf = (stepId: number): StepPlan => createStepPlan({ stepId, chunks: [decodeChunk(laneId(3))] });
const picture = { embeddingKey: embeddingKey('picture'), encoderAddress: 'encoder:1', numTokens: 4 };
const sealOf = (page: number): Seal => ({
  pageId: pageId(page),
  blockHash: blockHash('ab'.repeat(32)),
  generation: 2 ** 40,
});

/** A promise and what settles it. */
function deferred<Value>() {
  let [resolve, reject]: [(value: Value) => void, (error: Error) => void] = [() => {}, () => {}];
  const promise = new Promise<Value>((...settle) => {
    [resolve, reject] = settle;
  });
  return { promise, resolve, reject };
}

for (const [name, createWorld] of rpcWorlds) {
  describe(`a rank group over ${name}`, () => {
    let world: RpcWorld;
    const groups: RankGroup[] = [];
    beforeEach(() => {
      world = createWorld();
    });
    afterEach(async () => {
      for (const group of groups.splice(0)) await group.close();
      await world.close();
    });

    const serve = async (host: ScriptedRank): Promise<string> =>
      (await world.serve((server) => serveDecoderRank(server, host))).address;
    const connectTo = async (addresses: readonly string[], given: Partial<RankGroupOptions> = {}, signal = never) => {
      const ranks = addresses.map((address, rank) => ({ address, meshAddress: `mesh-${rank}` }));
      const asked = { epoch: 3, leaderId: 'leader', session: 's-3', silenceMs: 3000, tls: world.tls };
      const group = await connectRankGroup({ groupId: 'g', ranks, ...asked, ...given }, signal);
      groups.push(group);
      return group;
    };
    const serveAll = async (hosts: readonly ScriptedRank[]): Promise<string[]> => {
      const addresses: string[] = [];
      for (const host of hosts) addresses.push(await serve(host));
      return addresses;
    };
    const start = async (scripts: readonly RankScript[], given: Partial<RankGroupOptions> = {}) => {
      const ranks = scripts.map((script, rank) => new ScriptedRank(rank, script));
      const addresses = await serveAll(ranks);
      return { ranks, addresses, group: await connectTo(addresses, given) };
    };

    test('obeys when all ranks do: one epoch, one session, all mesh addresses', async () => {
      const { ranks, group } = await start([{}, {}]);
      const claim = {
        epoch: 3,
        leaderId: 'leader',
        session: 's-3',
        meshAddresses: ['mesh-0', 'mesh-1'],
        silenceMs: 3000,
      };
      for (const { claims } of ranks) expect(claims).toEqual([claim]);
      const { engineDigest: _, ...description } = ranks[0].description;
      expect(group).toMatchObject({ groupId: 'g', description });
    });

    test('has the seals that all ranks have alike', async () => {
      const { group } = await start([{ seals: [sealOf(1), sealOf(2)] }, { seals: [sealOf(2)] }]);
      expect(group.seals).toEqual([sealOf(2)]);
    });

    test('is refused when ranks differ, and lets all of them go', async () => {
      const starting = [{}, { description: { maxStepTokens: 9 } }].map(
        (script, rank) => new ScriptedRank(rank, script),
      );
      const addresses = await serveAll(starting);
      await expect(connectTo(addresses)).rejects.toMatchObject({
        reason: 'invalid_option',
        facts: { rank: 1, name: 'maxStepTokens' },
      });
      for (const { leader } of starting) await aborted(leader.signal);
    });

    test('is refused when one rank refuses, with its reason, and lets the others go', async () => {
      const refusal = new ServingError('epoch_refused', 'Somebody else.', { epoch: 3, granted: 7 });
      const waiting = new ScriptedRank(0, { onOpen: () => new Promise(() => {}) });
      const refusing = new ScriptedRank(1, { onOpen: () => Promise.reject(refusal) });
      const addresses = [await serve(waiting), await serve(refusing)];
      await expect(connectTo(addresses)).rejects.toMatchObject({
        reason: 'epoch_refused',
        message: 'Somebody else.',
        facts: { epoch: 3, granted: 7 },
      });
      await aborted(waiting.leader.signal);
    });

    test('is not waited for any longer than the signal says', async () => {
      const opening = deferred<void>();
      const rank = new ScriptedRank(0, {
        onOpen: () => {
          opening.resolve();
          return new Promise(() => {});
        },
      });
      const abort = new AbortController();
      const connecting = connectTo([await serve(rank)], {}, abort.signal);
      await opening.promise;
      abort.abort();
      await expect(connecting).rejects.toMatchObject({ reason: 'cancelled' });
      await aborted(rank.leader.signal);
    });

    test('names the rank that is not there', async () => {
      const rank = new ScriptedRank(0);
      const addresses = [await serve(rank), '127.0.0.1:1'];
      await expect(connectTo(addresses)).rejects.toMatchObject({
        reason: 'worker_failed',
        facts: { groupId: 'g', rank: 1, address: '127.0.0.1:1' },
      });
    });

    test('sends every command to all ranks in one order, without waiting for answers', async () => {
      const { ranks, group } = await start([{ onStep: () => new Promise(() => {}) }, {}]);
      const { embeddingKey: key } = picture;
      const staged = group.stage(picture);
      const pending = [group.step(planOf(0)), group.step(planOf(1))];
      for (const step of pending) step.catch(() => {});
      expect(await staged).toBe(true);
      await group.unstage(key);
      for (const { commands } of ranks) {
        expect(commands).toEqual(['stage picture 4 encoder:1', 'step 0', 'step 1', 'unstage picture']);
      }
    });

    test('returns what rank 0 says of a step, captures too, which others do not send', async () => {
      const captured = [{ lane: laneId(3), logits: Float32Array.of(1, Number.NaN) }];
      const resultOf = (totalMs: number) => (plan: StepPlan) => {
        const result = scriptedResult(plan);
        return { ...result, spent: { ...result.spent, totalMs }, captured };
      };
      const { group } = await start([{ onStep: resultOf(5) }, { onStep: resultOf(6) }]);
      expect(await group.step(planOf(8))).toEqual(resultOf(5)(planOf(8)));
    });

    test('does not use an embedding that a rank could not get', async () => {
      const { ranks, group } = await start([{}, { onStage: () => false }]);
      expect(await group.stage(picture)).toBe(false);
      for (const { commands } of ranks) expect(commands).toEqual(['stage picture 4 encoder:1', 'unstage picture']);
    });

    for (const [what, ask, commands] of [
      [
        'staged again',
        ({ group }) => [group.unstage(picture.embeddingKey), group.stage(picture)],
        ['unstage', 'stage'],
      ],
      ['staged twice', ({ group }) => [group.stage(picture)], ['stage']],
      ['dropped', ({ group }) => [group.unstage(picture.embeddingKey)], ['unstage']],
    ] as const satisfies readonly (readonly [
      string,
      (world: { group: RankGroup }) => readonly Promise<unknown>[],
      readonly string[],
    ])[]) {
      test(`leaves an embedding alone that a rank could not get and that is ${what} since`, async () => {
        const fetching = deferred<boolean>();
        const outcomes = [fetching.promise, Promise.resolve(true)];
        const { ranks, group } = await start([{}, { onStage: () => outcomes.shift()! }]);
        const staging = group.stage(picture);
        const asked = Promise.all(ask({ group }));
        fetching.resolve(false);
        expect(await staging).toBe(false);
        await asked;
        const expected = ['stage', ...commands];
        for (const rank of ranks) expect(rank.commands.map((command) => command.split(' ')[0])).toEqual(expected);
      });
    }

    test('goes on after a step that failed on the only rank', async () => {
      const failures = [new ServingError('internal', 'The plan is inconsistent.')];
      const onStep = (plan: StepPlan): StepResult => {
        const failure = failures.pop();
        if (failure) throw failure;
        return scriptedResult(plan);
      };
      const { group } = await start([{ onStep }]);
      await expect(group.step(planOf(0))).rejects.toMatchObject({ reason: 'internal', message: /inconsistent/ });
      expect(await group.step(planOf(1))).toEqual(scriptedResult(planOf(1)));
    });

    describe('is lost', () => {
      const lostRank1 = { reason: 'worker_failed', facts: { groupId: 'g', rank: 1 } };
      const stuck: RankScript = { onStep: () => new Promise<never>(() => {}) };

      /** Everything pending and later rejects; ranks that are left are let go. */
      const expectLost = async (group: RankGroup, pending: readonly Promise<unknown>[], expected: object) => {
        for (const outcome of await Promise.allSettled(pending)) expect(outcome).toMatchObject({ reason: expected });
        expect(await group.lost).toMatchObject(expected);
        await expect(group.step(planOf(9))).rejects.toMatchObject(expected);
        await expect(group.stage(picture)).rejects.toMatchObject(expected);
      };

      test('when a connection breaks, naming the rank', async () => {
        const ranks = [new ScriptedRank(0, stuck), new ScriptedRank(1, stuck)];
        const [address, target] = await serveAll(ranks);
        const link = await createCuttableLink(target);
        const group = await connectTo([address, link.address]);
        const pending = [group.step(planOf(0)), group.step(planOf(1)), group.unstage(picture.embeddingKey)];
        link.cut();
        await expectLost(group, pending.slice(0, 2), lostRank1);
        await Promise.allSettled(pending);
        await aborted(ranks[0].leader.signal);
      });

      test('when a rank ends its stream', async () => {
        const { ranks, group } = await start([stuck, stuck]);
        const pending = [group.step(planOf(0))];
        ranks[1].leader.end(new ServingError('worker_failed', 'The engine thread exited.'));
        await expectLost(group, pending, {
          ...lostRank1,
          message: 'Rank 1 of group g was lost: The engine thread exited.',
        });
      });

      test('when a rank obeys another leader, which is told as such', async () => {
        const { ranks, group } = await start([stuck, stuck]);
        const pending = [group.step(planOf(0))];
        ranks[0].leader.end(new ServingError('epoch_refused', 'Epoch 4 was granted.', { granted: 4 }));
        await expectLost(group, pending, { reason: 'epoch_refused', facts: { granted: 4 } });
      });

      test('when ranks sample different tokens', async () => {
        const other = (plan: StepPlan) => scriptedResult({ ...plan, stepId: plan.stepId + 1 });
        const { group } = await start([{}, { onStep: other }]);
        const expected = { reason: 'internal', facts: { rank: 1 }, message: /sampled 3:31 .* rank 0 3:30/ };
        await expectLost(group, [group.step(planOf(0))], expected);
      });

      test('when a rank says nothing to a step for too long', async () => {
        const { group } = await start([{}, stuck], { patience: { factor: 0, floorMs: 50 } });
        const expected = { ...lostRank1, message: 'Rank 1 of group g said nothing to step 5 for 50 ms.' };
        await expectLost(group, [group.step(planOf(5))], expected);
      });

      test('when no rank says anything, naming all that are there', async () => {
        const { group } = await start([stuck, stuck], { patience: { factor: 0, floorMs: 50 } });
        const expected = { reason: 'worker_failed', message: 'Rank 0, 1 of group g said nothing to step 5 for 50 ms.' };
        await expectLost(group, [group.step(planOf(5))], expected);
      });

      test('when a step fails on one of several ranks; the step fails with the first cause', async () => {
        const failing: RankScript = {
          endsWithFailedStep: true,
          onStep: () => Promise.reject(new ServingError('internal', 'Out of memory.')),
        };
        const { group } = await start([stuck, failing]);
        const pending = group.step(planOf(0));
        await expect(pending).rejects.toMatchObject({ reason: 'internal', message: 'Out of memory.' });
        await expectLost(group, [], { ...lostRank1, message: /Out of memory/ });
      });

      test('when it is closed', async () => {
        const { ranks, group } = await start([stuck, stuck]);
        const pending = [group.step(planOf(0))];
        await group.close();
        await expectLost(group, pending, { reason: 'shutting_down' });
        for (const { leader } of ranks) await aborted(leader.signal);
      });
    });

    test('says that it is there while there is nothing to do', async () => {
      const { ranks } = await start([{}], { silenceMs: 30 });
      const { leader } = ranks[0];
      let before = leader.silentMs;
      // The silence grows until a word comes.
      while (leader.silentMs >= before) {
        before = leader.silentMs;
        await new Promise(setImmediate);
      }
    });

    test('is described by each rank to whoever asks', async () => {
      const seals = [sealOf(3)];
      const { ranks, addresses } = await start([{ seals }]);
      expect(await describeRank(addresses[0], { tls: world.tls })).toEqual({
        isReady: true,
        epoch: 3,
        leaderId: 'leader',
        description: ranks[0].description,
        seals,
        groupId: 'g',
        rank: 0,
      });
      const idle = await serve(new ScriptedRank(1));
      expect(await describeRank(idle, { tls: world.tls })).toMatchObject({ epoch: 0, leaderId: undefined, rank: 1 });
    });
  });
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
}
