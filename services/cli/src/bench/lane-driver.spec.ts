import type { DecoderEngine, StepPlan } from '@tessera/domain';
import { expect, it } from 'vitest';
import { LaneDriver, medianStep } from './lane-driver.js';

const never = new AbortController().signal;
const idle = { matmulMs: 0, attentionMs: 0, allReduceMs: 0, samplingMs: 0 };

/** A decoder of three lanes that notes each plan as `released/admitted/rows`; its n-th step takes n ms. */
function recordingDecoder(): { decoder: DecoderEngine; plans: string[] } {
  const plans: string[] = [];
  const description = { numLanes: 3, vocabSize: 10, kvLayout: { numPages: 6 } };
  const step = async ({ released, admitted, chunks }: StepPlan) => {
    const rows = chunks.map(({ input }) => (input.kind === 'known' ? input.numTokens : 1));
    plans.push(`${released.length}/${admitted.map(({ pages }) => pages.join('+'))}/${rows}`);
    return { stepId: 0, outputs: [], spent: { ...idle, totalMs: plans.length } };
  };
  return { decoder: { description, step } as unknown as DecoderEngine, plans };
}

it('runs each prompt in one step on a lane of its own and leaves the first out', async () => {
  const { decoder, plans } = recordingDecoder();
  const steps = await new LaneDriver(decoder, never).prefill(5, 2);
  expect(plans).toEqual(['0/4+5/5', '1//', '0/4+5/5', '1//', '0/4+5/5', '1//']);
  expect(steps.map(({ spent }) => spent.totalMs)).toEqual([3, 5]);
});

it('decodes all sequences together behind contexts that it computes in chunks', async () => {
  const { decoder, plans } = recordingDecoder();
  const steps = await new LaneDriver(decoder, never).decode(2, 520, 3);
  expect(plans).toEqual(['0/0+1/512', '0//8', '0/2+3/512', '0//8', '0//1,1', '0//1,1', '0//1,1', '0//1,1']);
  expect(steps.map(({ spent }) => spent.totalMs)).toEqual([6, 7, 8]);
});

it('goes on with the contexts that it has', async () => {
  const { decoder, plans } = recordingDecoder();
  const driver = new LaneDriver(decoder, never);
  await driver.decode(1, 8, 1);
  await driver.decode(2, 8, 1);
  expect(plans).toEqual(['0/0+1/8', '0//1', '0//1', '0/2+3/8', '0//1,1', '0//1,1']);
});

it('does no step more once it is told to end', async () => {
  const { decoder, plans } = recordingDecoder();
  const ending = new AbortController();
  const reason = new Error('interrupted');
  const steps = new LaneDriver(decoder, ending.signal).decode(1, 8, 100);
  ending.abort(reason);
  await expect(steps).rejects.toBe(reason);
  expect(plans).toEqual(['0/0+1/8']);
});

it('finds the step in the middle, and the longer of two', () => {
  const step = (totalMs: number) => ({ startMs: 0, spent: { ...idle, totalMs } });
  expect(medianStep([step(9), step(1), step(4)]).spent.totalMs).toBe(4);
  expect(medianStep([step(9), step(1)]).spent.totalMs).toBe(9);
});
