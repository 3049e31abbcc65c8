import { expect, it } from 'vitest';
import { closingAfter } from './closing-after.js';

function recordingPart() {
  const calls: string[] = [];
  return { calls, close: async () => void calls.push('close') };
}

it('closes a part when the work is done, and gives what it gave', async () => {
  const part = recordingPart();
  const value = await closingAfter(part, async ({ calls }) => {
    calls.push('work');
    return 7;
  });
  expect([value, part.calls]).toEqual([7, ['work', 'close']]);
});

it('closes a part over which the work failed', async () => {
  const part = recordingPart();
  await expect(closingAfter(part, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(part.calls).toEqual(['close']);
});
