import { requestId, type SchedulerEvent } from '@tessera/domain';
import { createRequest, FakeDecoderEngine } from '@tessera/testkit';
import { expect, it, vi } from 'vitest';
import { EventQueue } from './event-queue.js';
import { Sequence } from './sequence.js';
import { StepLoop } from './step-loop.js';

it('ends every sequence without lane and pages, also when its bookkeeping breaks', async () => {
  const decoder = new FakeDecoderEngine({ numLanes: 2 });
  const step = decoder.step.bind(decoder);
  vi.spyOn(decoder, 'step').mockImplementation(async (plan) => ({ ...(await step(plan)), outputs: [] }));
  const ended: [id: string, residence: unknown][] = [];
  const loop = new StepLoop(decoder, ({ id, residence }) => ended.push([id, residence]));
  const queues = ['a', 'b', 'c'].map((name) => {
    const queue = new EventQueue<SchedulerEvent>();
    loop.add(new Sequence(createRequest({ requestId: requestId(name) }), queue));
    return queue;
  });
  for (const queue of queues)
    await expect(queue[Symbol.asyncIterator]().next()).rejects.toMatchObject({ reason: 'internal' });
  expect(ended).toEqual(['a/0/0', 'b/0/0', 'c/0/0'].map((id) => [id, undefined]));
});
