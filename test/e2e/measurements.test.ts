import { mkdir, mkdtemp, readdir, rm, watch } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTessera, sharedEngineCache } from './support/tessera-process.js';

const model = 'models/tessera-tiny';

describe('a workload that the model cannot run', () => {
  const refusals = [
    [
      ['bench', 'engine', model, '--context', '4096'],
      "--context: 4096 positions and 49 decoded behind them are above the model's limit, 4096.",
    ],
    [['profile', model, '--prefill', '5000'], "--prefill: 5000 tokens are above the model's limit, 4096."],
    [['profile', model, '--batch', 'many'], '--batch: "many" is no positive number.'],
  ] as const;
  for (const [args, message] of refusals) {
    it(`is refused by ${args[0]} before anything is compiled or loaded: ${message}`, async () => {
      const refused = runTessera([...args, '--engine-cache', join(tmpdir(), 'never-made')]);
      expect(await refused.exited).toBe(1);
      expect(refused.output).toBe(`tessera: ${message}\n`);
    });
  }
});

describe('tessera profile that is ended amid its work', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tessera-measurements-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  /** Its folder of temporary files, once there is something in it. */
  async function startProfile(name: string) {
    const temporaryDir = join(dir, name);
    await mkdir(temporaryDir);
    const changes = watch(temporaryDir)[Symbol.asyncIterator]();
    const workload = ['--prefill', '40', '--batch', '1', '--context', '64', '--image', '56', '--repeat', '1500'];
    const caches = ['--engine-cache', sharedEngineCache];
    const process = runTessera(['profile', model, ...caches, ...workload], { TMPDIR: temporaryDir });
    await changes.next();
    await changes.return?.();
    return { temporaryDir, process };
  }

  it('says so and leaves no traces of its graphs', async () => {
    const { temporaryDir, process } = await startProfile('SIGINT');
    process.signal('SIGINT');
    expect(await process.exited).toBe(1);
    expect(process.output).toBe('tessera: Interrupted: the measurement is not complete.\n');
    expect(await readdir(temporaryDir)).toEqual([]);
  });

  it('ends with all that it started, even when it is killed', async () => {
    const { temporaryDir, process } = await startProfile('SIGKILL');
    process.signal('SIGKILL');
    expect(await process.exited).toBe(null);
    expect(process.output).toBe('tessera: Interrupted: the measurement is not complete.\n');
    expect(await readdir(temporaryDir)).toEqual([]);
  });
});
