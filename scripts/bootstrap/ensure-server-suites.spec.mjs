import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ensureServerSuites, serverRequirement } from './ensure-server-suites.mjs';
import { listTestFiles } from './list-test-files.mjs';
import { isOfSuites } from './requirements.mjs';
import { StepFailure } from './run-step.mjs';

describe('ensureServerSuites', () => {
  const ensureAll = (ensure, env = {}) =>
    ensureServerSuites({ rootDir: '/root', filters: [], testFiles: [], env, ensure });

  it('leaves the path as it is when the servers are on it', async () => {
    const env = { PATH: '/bin' };
    expect(await ensureAll(async () => undefined, env)).toEqual([]);
    expect(env.PATH).toBe('/bin');
  });

  it('puts unpacked servers first on the path', async () => {
    const env = { PATH: '/bin' };
    expect(await ensureAll(async () => '/servers', env)).toEqual([]);
    expect(env.PATH).toBe('/servers:/bin');
  });

  it('gets no servers when the filters leave no suite that runs them', async () => {
    const roots = [];
    const ensure = async (rootDir) => void roots.push(rootDir);
    const testFiles = ['test/integration/bus/nats-faults.test.ts', 'test/e2e/refusals.test.ts'];
    for (const filter of ['refusals', 'tokenizer', 'nats-']) {
      await ensureServerSuites({ rootDir: filter, filters: [filter], testFiles, env: {}, ensure });
    }
    expect(roots).toEqual(['nats-']);
  });

  it('names what is missing when they cannot be had', async () => {
    const fail = async () => {
      throw new StepFailure('no servers');
    };
    expect(await ensureAll(fail)).toEqual([serverRequirement]);
  });

  it('hides no other failure', async () => {
    const fail = async () => {
      throw new Error('a bug');
    };
    await expect(ensureAll(fail)).rejects.toThrow('a bug');
  });
});

describe('serverRequirement', () => {
  const rootDir = fileURLToPath(new URL('../..', import.meta.url));

  /** Whether a file, or one that it imports by its path, starts a server or a cluster. */
  const startsServers = (path) => {
    const text = readFileSync(path, 'utf8');
    if (/startRedis|startNats|'nats-server'|'cluster'/.test(text)) return true;
    const imports = [...text.matchAll(/from '(\.\.?\/[^']+)\.js'/g)];
    return imports.some(([, imported]) => startsServers(join(dirname(path), `${imported}.ts`)));
  };

  it('is of the suites that start servers, and of no others', () => {
    const testFiles = listTestFiles(rootDir);
    const starting = testFiles.filter((path) => startsServers(join(rootDir, path)));
    expect(testFiles.filter((path) => isOfSuites(path, serverRequirement.suites))).toEqual(starting);
    expect(starting).not.toEqual([]);
  });
});
