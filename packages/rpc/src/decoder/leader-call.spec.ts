import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { laneId, ServingError } from '@tessera/domain';
import * as wire from '@tessera/proto/decoder/v1';
import { createStepPlan, decodeChunk } from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { ScriptedRank } from '../testing/scripted-rank.js';
import { LeaderCall } from './leader-call.js';
import { stepPlanToProto } from './step-plan.js';

type Request = MessageInitShape<typeof wire.StepRequestSchema>;
type Response = MessageInitShape<typeof wire.StepResponseSchema>;

const open: Request = { callId: 1n, command: { case: 'open', value: { epoch: 1n } } };
const step = (callId: bigint, stepId = 0): Request => ({
  callId,
  command: { case: 'plan', value: stepPlanToProto(createStepPlan({ stepId, chunks: [decodeChunk(laneId(0))] })) },
});
const failureOf = (callId: bigint, reason: string) => ({
  callId,
  reply: { case: 'failure', value: expect.objectContaining({ reason }) },
});

describe('the stream of a leader', () => {
  let cancel: AbortController;
  let answers: Response[];
  let errors: unknown[];
  beforeEach(() => {
    cancel = new AbortController();
    answers = [];
    errors = [];
  });

  /** Serves these requests; between them everything that can be answered is. */
  const serve = async (rank: ScriptedRank, requests: readonly Request[], onEnd?: () => void): Promise<LeaderCall> => {
    async function* received() {
      for (const request of requests) {
        yield create(wire.StepRequestSchema, request);
        await new Promise(setImmediate);
      }
      onEnd?.();
    }
    const send = async (answer: Response) => void answers.push(answer);
    const onError = (error: unknown) => errors.push(error);
    const call = new LeaderCall({ host: rank, stream: { send, received: received() }, onError }, cancel.signal);
    await call.serve();
    return call;
  };

  test('answers every command under its number, in order', async () => {
    const rank = new ScriptedRank(0);
    await serve(rank, [open, step(2n, 0), step(5n, 1)]);
    expect(answers.map(({ callId, reply }) => [callId, reply?.case])).toEqual([
      [1n, 'opened'],
      [2n, 'result'],
      [5n, 'result'],
    ]);
  });

  test('does not answer a message without a command', async () => {
    await serve(new ScriptedRank(0), [{}, open, {}]);
    expect(answers.map(({ callId }) => callId)).toEqual([1n]);
  });

  test('commands nothing before it was granted an epoch', async () => {
    const rank = new ScriptedRank(0);
    await serve(rank, [step(1n)]);
    expect(answers).toEqual([failureOf(1n, 'epoch_refused')]);
    expect(rank.commands).toEqual([]);
  });

  test('asks once', async () => {
    const rank = new ScriptedRank(0);
    await serve(rank, [open, { ...open, callId: 2n }]);
    expect(answers[1]).toEqual(failureOf(2n, 'invalid_field'));
    expect(rank.claims).toHaveLength(1);
  });

  test('hears of a plan that cannot be read, and goes on', async () => {
    const unreadable: Request = { callId: 2n, command: { case: 'plan', value: { chunks: [{ lane: 0 }] } } };
    await serve(new ScriptedRank(0), [open, unreadable, step(3n)]);
    expect(answers.slice(1)).toEqual([failureOf(2n, 'invalid_field'), expect.objectContaining({ callId: 3n })]);
  });

  test('goes on after a failed step when nobody waits for the rank', async () => {
    const rank = new ScriptedRank(0, { onStep: ({ stepId }) => failFirst(stepId) });
    await serve(rank, [open, step(2n, 0), step(3n, 1)]);
    expect(answers.slice(1)).toMatchObject([failureOf(2n, 'internal'), failureOf(3n, 'internal')]);
  });

  test('tells of what a command failed with', async () => {
    const mistake = new TypeError('not a function');
    const onStep = () => Promise.reject(mistake);
    await serve(new ScriptedRank(0, { onStep }), [open, step(2n)]);
    expect(errors).toEqual([mistake]);
    expect(answers.slice(1)).toEqual([failureOf(2n, 'internal')]);
  });

  test('ends with a failed step that other ranks may be in, and says why last', async () => {
    const rank = new ScriptedRank(0, { endsWithFailedStep: true, onStep: ({ stepId }) => failFirst(stepId) });
    const call = await serve(rank, [open, step(2n, 0), step(3n, 1)]);
    expect(answers.slice(1)).toEqual([failureOf(2n, 'internal'), failureOf(0n, 'internal')]);
    expect(call.signal.aborted).toBe(true);
  });

  test('is over when the leader ends or loses it', async () => {
    const ended = new ScriptedRank(0);
    await serve(ended, [open]);
    expect(ended.leader.signal.aborted).toBe(true);
    const lost = new ScriptedRank(0);
    await serve(lost, [open, step(2n)], () => cancel.abort());
    expect(lost.leader.signal.aborted).toBe(true);
  });
});

function failFirst(stepId: number): never {
  throw new ServingError('internal', `Step ${stepId} failed.`);
}
