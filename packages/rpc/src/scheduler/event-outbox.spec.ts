import { expect, test, vi } from 'vitest';
import { createEvent } from '../testing/create-event.js';
import { EventOutbox } from './event-outbox.js';

const event = (number: number) => ({ callId: BigInt(number) });
const numbers = (sent: readonly { callId?: bigint }[]) => sent.map(({ callId }) => Number(callId));

test('sends what happens in one turn together, and nothing twice', async () => {
  const messages: number[][] = [];
  const outbox = new EventOutbox(async (events) => void messages.push(numbers(events)));
  for (let number = 0; number < 3; number++) outbox.push(event(number));
  await outbox.sent();
  outbox.push(event(3));
  await outbox.sent();
  expect(messages).toEqual([[0, 1, 2], [3]]);
});

test('gathers while the caller reads slowly, at most 1024 in a message', async () => {
  const messages: number[] = [];
  const read = createEvent();
  const outbox = new EventOutbox(async (events) => {
    messages.push(events.length);
    await read.happened;
  });
  outbox.push(event(0));
  await vi.waitFor(() => expect(messages).toHaveLength(1), { interval: 1 });
  for (let number = 1; number <= 1500; number++) outbox.push(event(number));
  read.happen();
  await outbox.sent();
  expect(messages).toEqual([1, 1024, 476]);
});
