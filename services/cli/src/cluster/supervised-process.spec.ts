import { createLogger } from '@tessera/runtime';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SupervisedProcess } from './supervised-process.js';

/** A shell script that is ready when it says so, and what is said of it. */
function supervise(script: string, onLine?: (line: string) => void) {
  const log: string[] = [];
  const logger = createLogger({
    name: 'test',
    isPretty: false,
    stream: { write: (text) => log.push(JSON.parse(text).msg) },
  });
  const command = { binary: 'sh', args: ['-c', script], readyWhen: /^ready$/ };
  const process = new SupervisedProcess({
    name: 'it',
    command,
    logger,
    onLine,
    stopTimeoutMs: 5_000,
    firstPauseMs: 10,
  });
  onTestFinished(() => process.stop());
  return { process, log };
}

const staysUp = 'echo ready; exec sleep 1000';

describe('SupervisedProcess', () => {
  it('starts again what ended, as another process', async () => {
    const { process: supervised, log } = supervise(staysUp);
    await supervised.start();
    const first = supervised.pid!;
    process.kill(first, 'SIGKILL');
    await expect.poll(() => supervised.pid !== first && supervised.isReady, { timeout: 4_000 }).toBe(true);
    expect(log).toEqual(['started', 'ended with SIGKILL; starts again in 0.01 s', 'started']);
  });

  it('waits twice as long each time', async () => {
    const lines: string[] = [];
    const { process, log } = supervise('echo ready; exit 3', (line) => lines.push(line));
    await process.start();
    await expect.poll(() => lines.length, { timeout: 4_000 }).toBeGreaterThan(2);
    await process.stop();
    const pauses = log.filter((line) => line !== 'started');
    expect(pauses.slice(0, 2)).toEqual([
      'ended with exit code 3; starts again in 0.01 s',
      'ended with exit code 3; starts again in 0.02 s',
    ]);
  });

  it('stops for good, whatever it is doing', async () => {
    const { process, log } = supervise(staysUp);
    await process.start();
    await process.stop();
    expect([process.isReady, log]).toEqual([false, ['started']]);
    await expect(process.start()).rejects.toThrow();
  });

  it('does not start again what was never ready, and tells its last lines when nobody heard them', async () => {
    const unheard = supervise('echo bad option; exit 3');
    await expect(unheard.process.start()).rejects.toMatchObject({
      reason: 'worker_failed',
      message: expect.stringMatching(/^it: .*ended with 3.*\nbad option$/s),
    });
    const heard = supervise('echo bad option; exit 3', () => {});
    await expect(heard.process.start()).rejects.toThrow(/^it: ended with exit code 3 before it was ready$/);
    expect(heard.log).toEqual(['started']);
  });

  it('can be stopped before it is ready', async () => {
    const { process } = supervise('exec sleep 1000');
    const start = process.start();
    await Promise.all([expect(start).rejects.toThrow(), process.stop()]);
  });
});
