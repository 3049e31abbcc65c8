import { describe, expect, it } from 'vitest';
import { ensureServerSuites, serverRequirement } from './ensure-server-suites.mjs';
import { StepFailure } from './run-step.mjs';

describe('ensureServerSuites', () => {
  it('leaves the path as it is when the servers are on it', async () => {
    const env = { PATH: '/bin' };
    expect(await ensureServerSuites('/root', env, async () => undefined)).toEqual([]);
    expect(env.PATH).toBe('/bin');
  });

  it('puts unpacked servers first on the path', async () => {
    const env = { PATH: '/bin' };
    expect(await ensureServerSuites('/root', env, async () => '/servers')).toEqual([]);
    expect(env.PATH).toBe('/servers:/bin');
  });

  it('names what is missing when they cannot be had', async () => {
    const fail = async () => {
      throw new StepFailure('no servers');
    };
    expect(await ensureServerSuites('/root', {}, fail)).toEqual([serverRequirement]);
  });

  it('hides no other failure', async () => {
    const fail = async () => {
      throw new Error('a bug');
    };
    await expect(ensureServerSuites('/root', {}, fail)).rejects.toThrow('a bug');
  });
});
