import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createCallbackMonitor } from './support/callback-summaries.js';

const script = fileURLToPath(new URL('./support/blocking-process.mjs', import.meta.url));

describe('the callback monitor', () => {
  it('tells how long callbacks held the thread: computing counts, and sleeping only as lag', async () => {
    const monitor = await createCallbackMonitor(['blocking']);
    const child = await monitor.watching(async () =>
      spawn(process.execPath, [script, 'blocking', '--name', 'blocker'], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    await once(child.stdout, 'data');
    child.kill('SIGUSR2');
    await once(child, 'close');
    const blocker = (await monitor.read(['blocker'])).get('blocker')!;
    const [computing, ...others] = blocker.longest;
    expect(computing).toMatchObject({ type: 'Timeout', function: 'compute' });
    expect(computing!.runMs).toBeGreaterThan(60);
    expect(others.map((each) => each.function)).toContain('sleep');
    expect(Math.max(...others.map(({ runMs }) => runMs))).toBeLessThan(20);
    expect(blocker.lagMs.max).toBeGreaterThan(60);
  });
});
