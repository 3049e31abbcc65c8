import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { addWorkloadFlags, readEngineConfig, readWorkload, type WorkloadFlags } from './workload-flags.js';

const create = () => addWorkloadFlags(new Command(), { batch: '8', image: '448' });
const parse = (...args: string[]) =>
  create()
    .parse(['folder', ...args], { from: 'user' })
    .opts<WorkloadFlags>();

afterEach(() => vi.unstubAllEnvs());

describe('flags of a measurement', () => {
  it('measures int8 weights when nobody asks for others, and says so', () => {
    expect(readEngineConfig(parse())).toMatchObject({ weights: 'int8', kv: 'float32' });
    expect(create().helpInformation().replace(/\s+/g, ' ')).toMatch(
      /--weights <value> Form of the .*\(default: int8\)/,
    );
  });

  it("take the server's variables, and flags before them", () => {
    vi.stubEnv('TESSERA_WEIGHTS', 'int4');
    vi.stubEnv('TESSERA_ENGINE_CACHE', 'elsewhere');
    vi.stubEnv('TESSERA_THREADS', '2');
    expect(readEngineConfig(parse())).toMatchObject({ weights: 'int4', engineCache: 'elsewhere', threads: 2 });
    expect(readEngineConfig(parse('--weights', 'fp32', '--threads', '1'))).toMatchObject({
      weights: 'fp32',
      threads: 1,
    });
  });

  it("refuse what the server's options refuse", () => {
    expect(() => readEngineConfig(parse('--kv', 'int3'))).toThrow(
      expect.objectContaining({ reason: 'invalid_option', message: expect.stringContaining('--kv: ') }),
    );
  });

  it('give the workload', () => {
    const flags = parse('--batch', '1, 3', '--context', '64', '--kv', 'int8', '--threads', '1');
    expect(readWorkload(flags, readEngineConfig(flags))).toEqual({
      numThreads: 1,
      kvDtype: 'int8',
      contextLen: 64,
      prefillLens: [512],
      batchSizes: [1, 3],
      imageSides: [448],
      numRuns: 5,
    });
  });
});
