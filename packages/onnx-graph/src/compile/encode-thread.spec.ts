import { expect, it } from 'vitest';
import { sliceOf } from '../checkpoint/weight-slice.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { EncodeThread } from './encode-thread.js';

const weight = { name: 'w', slices: [sliceOf('w', [2, 2])], form: { kind: 'int8' } } as const;

it('fails what is asked of it after it ended', async () => {
  const thread = new EncodeThread(await temporaryFolder());
  await thread.close();
  await expect(thread.encode(weight)).rejects.toMatchObject({ reason: 'worker_failed' });
});
