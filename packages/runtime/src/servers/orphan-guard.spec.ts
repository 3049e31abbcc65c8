import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';

/** A process that starts a shell with a child of its own, prints both pids, and would run for ever. */
const launcher = `
import { launchServer } from '${new URL('../../dist/index.js', import.meta.url)}';
const args = ['-c', 'sleep 1000 & echo $$ $!; wait'];
await launchServer({ binary: 'sh', args, readyWhen: /./ }, { onLine: (line) => console.log(line) }).ready;
`;

it('a process that is killed leaves nothing of what it launched', async () => {
  const parent = spawn(process.execPath, ['--input-type=module', '-e', launcher], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(parent.stdout.setEncoding('utf8'), 'data');
  const pids = (line as string).trim().split(' ').map(Number);
  expect(pids.map(isAlive)).toEqual([true, true]);
  parent.kill('SIGKILL');
  await expect.poll(() => pids.map(isAlive), { timeout: 4_500 }).toEqual([false, false]);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
