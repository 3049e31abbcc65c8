import { expect, it } from 'vitest';
import { runWithEnv } from './run-with-env.js';

it('works in this process when the variable is set, whatever its value', async () => {
  const done: string[] = [];
  await runWithEnv('PATH', 'other', async () => {
    done.push('here');
  });
  expect(done).toEqual(['here']);
});
