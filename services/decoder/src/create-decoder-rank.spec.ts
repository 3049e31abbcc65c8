import {
  blockHash,
  type EmbeddingKey,
  type EmbeddingStore,
  embeddingKey,
  laneId,
  pageId,
  ServingError,
  type StagedEmbedding,
} from '@tessera/domain';
import type { RankHost, RankLease } from '@tessera/rpc';
import { createLogger } from '@tessera/runtime';
import {
  createAdmittedSequence,
  createFakeEmbedding,
  createStepPlan,
  FakeRankEngine,
  knownChunk,
  pageIds,
} from '@tessera/testkit';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { createDecoderRank } from './create-decoder-rank.js';
import { createClaim } from './testing/create-claim.js';
import { FakeLeader } from './testing/fake-leader.js';

const [cat, dog] = ['cat', 'dog'].map(embeddingKey);
const refTo = (key: EmbeddingKey, numTokens = 4) => ({ embeddingKey: key, encoderAddress: 'encoder:1', numTokens });
const seal = { pageId: pageId(0), blockHash: blockHash('ab'.repeat(32)), generation: 1 };

describe('a decoder rank', () => {
  let engine: FakeRankEngine;
  /** What encoders answer; a test may keep an answer back. */
  let held: Map<EmbeddingKey, () => Promise<StagedEmbedding | undefined>>;
  let asked: string[];
  let host: RankHost;
  let leader: FakeLeader;
  let logged: string[];
  beforeEach(() => {
    engine = new FakeRankEngine();
    held = new Map([cat, dog].map((key) => [key, async () => createFakeEmbedding(key, 4, 4)]));
    asked = [];
    leader = new FakeLeader();
    const embeddings = (address: string): EmbeddingStore => ({
      fetch: async (key) => {
        asked.push(`${key} at ${address}`);
        return held.get(key)?.();
      },
    });
    logged = [];
    const logger = createLogger({ name: 'rank', stream: { write: (line) => logged.push(line) } });
    host = createDecoderRank({ engine, embeddings, logger }, { groupId: 'g', rank: 1, engineDigest: 'digest' });
  });

  const open = (given = {}, stream = leader): Promise<RankLease> => host.open(createClaim(given), stream);
  /** An encoder that answers only when the returned function is called. */
  const holdBack = (key: EmbeddingKey): (() => void) => {
    let send: () => void = () => {};
    const sent = new Promise<void>((resolve) => {
      send = resolve;
    });
    held.set(key, async () => {
      await sent;
      return createFakeEmbedding(key, 4, 4);
    });
    return send;
  };
  /** A sequence of five tokens in `lane`, the picture after the first. */
  const planWith = (stepId: number, lane: number, ...keys: readonly EmbeddingKey[]) =>
    createStepPlan({
      stepId,
      admitted: [
        createAdmittedSequence({
          lane: laneId(lane),
          tokenIds: Int32Array.of(1, 9, 9, 9, 9),
          visuals: keys.map((key) => ({ embeddingKey: key, offset: 1, length: 4 })),
        }),
      ],
      chunks: [knownChunk(laneId(lane), 5, { newPages: pageIds(2 * lane, 2 * lane + 1) })],
    });

  /** Admits a sequence with both pictures and computes the first. */
  const planWithBoth = (stepId: number) =>
    createStepPlan({
      stepId,
      admitted: [
        createAdmittedSequence({
          lane: laneId(0),
          tokenIds: Int32Array.of(1, 9, 9, 9, 9, 9, 9, 9, 9),
          visuals: [cat, dog].map((key, i) => ({ embeddingKey: key, offset: 1 + 4 * i, length: 4 })),
        }),
      ],
      chunks: [knownChunk(laneId(0), 5, { newPages: pageIds(0, 1), samples: false })],
    });

  test('says who it is and whom it obeys', async () => {
    const description = { ...engine.description, engineDigest: 'digest' };
    const status = { isReady: true, description, seals: [], groupId: 'g', rank: 1 };
    expect(host.status).toEqual({ ...status, epoch: 0, leaderId: undefined });
    const lease = await open({ epoch: 6 });
    expect(host.status).toEqual({ ...status, epoch: 6, leaderId: 'leader-1' });
    expect(lease).toMatchObject({ rank: 1, description, seals: [], endsWithFailedStep: false });
  });

  test('ends with a failed step when it is one of several', async () => {
    expect(await open({ meshAddresses: ['mesh-0', 'mesh-1'] })).toMatchObject({ endsWithFailedStep: true });
  });

  test('runs steps in order, handed over without waiting for one another', async () => {
    const lease = await open();
    const handedOver = vi.spyOn(engine, 'step');
    const openGate = engine.steps.hold();
    const results = [lease.step(planWith(0, 0)), lease.step(planWith(1, 1))];
    await new Promise(setImmediate);
    expect(handedOver.mock.calls.map(([{ stepId }]) => stepId)).toEqual([0, 1]);
    openGate();
    expect((await Promise.all(results)).map(({ stepId }) => stepId)).toEqual([0, 1]);
  });

  describe('staging', () => {
    test('fetches the rows from the encoder that has them', async () => {
      const lease = await open();
      expect(await lease.stage(refTo(cat))).toBe(true);
      expect(asked).toEqual(['cat at encoder:1']);
      expect(engine.stagedKeys).toEqual([cat]);
      await lease.unstage(cat);
      expect(engine.stagedKeys).toEqual([]);
    });

    test('says when the encoder holds it no more', async () => {
      held.delete(cat);
      expect(await (await open()).stage(refTo(cat))).toBe(false);
    });

    test('takes an encoder that is gone for one that holds nothing', async () => {
      held.set(cat, () => Promise.reject(new ServingError('worker_failed', 'The encoder is gone.')));
      expect(await (await open()).stage(refTo(cat))).toBe(false);
    });

    test('fails when the encoder fails otherwise, or sends other rows', async () => {
      const lease = await open();
      held.set(cat, () => Promise.reject(new ServingError('internal', 'Broken.')));
      await expect(lease.stage(refTo(cat))).rejects.toThrow('Broken.');
      await expect(lease.stage(refTo(dog, 5))).rejects.toThrow('Embedding dog has 4 rows instead of 5.');
      expect(engine.stagedKeys).toEqual([]);
    });

    test('holds up no step, not even one that admits its sequence', async () => {
      const lease = await open();
      await lease.stage(refTo(cat));
      const send = holdBack(dog);
      const staged = lease.stage(refTo(dog));
      expect(await lease.step(planWithBoth(0))).toMatchObject({ stepId: 0 });
      send();
      expect(await staged).toBe(true);
      const rest = [knownChunk(laneId(0), 4, { newPages: pageIds(2), samples: true })];
      expect(await lease.step(createStepPlan({ stepId: 1, chunks: rest }))).toMatchObject({ outputs: [{ lane: 0 }] });
    });

    test('is undone only after the steps sent before', async () => {
      const lease = await open();
      await lease.stage(refTo(cat));
      const send = holdBack(dog);
      const staged = lease.stage(refTo(dog));
      const openGate = engine.steps.hold();
      const steps = [lease.step(createStepPlan({ stepId: 0 })), lease.step(planWithBoth(1))];
      const unstaged = lease.unstage(cat);
      openGate();
      expect((await Promise.all(steps)).map(({ stepId }) => stepId)).toEqual([0, 1]);
      await unstaged;
      expect(engine.stagedKeys).toEqual([]);
      send();
      await staged;
    });

    test('and unstaging of one embedding keep their order', async () => {
      const lease = await open();
      const all = [lease.stage(refTo(cat)), lease.unstage(cat), lease.stage(refTo(cat)), lease.unstage(cat)];
      await Promise.all(all);
      expect(engine.stagings.map(([what]) => what)).toEqual(['stage', 'unstage', 'stage', 'unstage']);
    });
  });

  test('keeps seals and drops sequences and embeddings when another leader comes', async () => {
    const lease = await open();
    await lease.stage(refTo(cat));
    await lease.step({ ...planWith(0, 0, cat), seals: [seal] });
    leader.close();
    const next = await open({ epoch: 2, session: 'session-2' }, new FakeLeader());
    expect(next.seals).toEqual([seal]);
    expect(host.status.seals).toEqual([seal]);
    expect(engine.stagedKeys).toEqual([]);
    expect(engine.numLanesInUse).toBe(0);
  });

  test('refuses who it does not obey, without a word to its engine', async () => {
    await open({ epoch: 3 });
    const challenger = open({ epoch: 4, leaderId: 'leader-2' }, new FakeLeader());
    await expect(challenger).rejects.toMatchObject({ reason: 'epoch_refused', facts: { epoch: 4, granted: 3 } });
    expect(engine.sessions).toEqual(['open session-1']);
  });

  test('leaves its group as soon as its leader is gone', async () => {
    await open();
    leader.close();
    expect(engine.sessions).toEqual(['open session-1', 'end']);
  });

  test('leaves its group when the leader is gone before the ranks have met', async () => {
    leader.close();
    await open();
    expect(engine.sessions).toEqual(['open session-1', 'end']);
  });

  test('does not leave the session of the next leader with the one before', async () => {
    await open();
    leader.silentMs = 3000;
    await open({ epoch: 2, session: 'session-2' }, new FakeLeader());
    expect(leader.endedBy).toMatchObject({ reason: 'epoch_refused' });
    expect(engine.sessions).toEqual(['open session-1', 'open session-2']);
  });

  test('hands nothing over for a leader that is gone', async () => {
    const lease = await open();
    const send = holdBack(cat);
    const staged = lease.stage(refTo(cat));
    leader.close();
    await open({ epoch: 2, session: 'session-2' }, new FakeLeader());
    const numPlans = engine.plans.length;
    const late = [staged, lease.step(planWith(0, 0))];
    send();
    for (const outcome of await Promise.allSettled(late)) {
      expect(outcome).toMatchObject({ reason: { reason: 'cancelled' } });
    }
    expect(engine.plans).toHaveLength(numPlans);
    expect(engine.stagedKeys).toEqual([]);
  });

  test('logs a step that failed, with its stack, unless its leader is gone', async () => {
    const lease = await open();
    engine.failNextStep(new ServingError('internal', 'Out of memory.'));
    await expect(lease.step(createStepPlan({ stepId: 7 }))).rejects.toThrow('Out of memory.');
    expect(logged.filter((line) => line.includes('Out of memory.'))).toHaveLength(1);

    const openGate = engine.steps.hold();
    const arrival = engine.steps.arrival();
    engine.failNextStep(new ServingError('worker_failed', 'Rank 0 was lost.'));
    const late = expect(lease.step(createStepPlan({ stepId: 8 }))).rejects.toThrow('Rank 0 was lost.');
    await arrival;
    leader.close();
    openGate();
    await late;
    expect(logged.at(-1)).toContain('the leader is gone');
  });

  test('lets its leader go when its engine is dead, and is not ready', async () => {
    await open();
    const failure = new ServingError('worker_failed', 'The engine thread exited.');
    engine.fail(failure);
    await engine.failed;
    expect(leader.endedBy).toBe(failure);
    expect(host.status.isReady).toBe(false);
  });
});
