import { loadConfig } from '@tessera/runtime';
import { describe, expect, it } from 'vitest';
import { serviceSchemas } from '../process/service-schemas.js';
import { type ClusterConfig, clusterConfigSchema } from './cluster-config.js';
import { planCluster, shareMachine } from './plan-cluster.js';

const gibibyte = 2 ** 30;
const machine = { numCores: 16, freeBytes: 16 * gibibyte };
const servers = { nats: 'nats://127.0.0.1:4000', redis: 'redis://127.0.0.1:4001' };

const load = (overrides: Partial<ClusterConfig>) => loadConfig(clusterConfigSchema, { env: {}, overrides });

function plan(overrides: Partial<ClusterConfig>) {
  const config = load(overrides);
  return planCluster(config, shareMachine(config, machine), servers);
}

describe('planCluster', () => {
  it('has as many processes of each service as were asked for', () => {
    const names = plan({ groups: 2, tp: 2, encoders: 2, schedulers: 2, gateways: 2 }).map(({ name }) => name);
    expect(names).toEqual([
      ...['decoder-0-0', 'decoder-0-1', 'decoder-1-0', 'decoder-1-1'],
      ...['encoder-0', 'encoder-1', 'scheduler-0', 'scheduler-1', 'gateway-0', 'gateway-1'],
    ]);
  });

  it('places ranks in groups, and a group of one rank in a process', () => {
    const placesOf = (tp: number) =>
      plan({ groups: 2, tp })
        .filter(({ service }) => service === 'decoder')
        .map(({ name, options }) => [name, options.group, options.rank]);
    expect(placesOf(1)).toEqual([
      ['decoder-0', 'group-0', undefined],
      ['decoder-1', 'group-1', undefined],
    ]);
    expect(placesOf(2).at(-1)).toEqual(['decoder-1-1', 'group-1', 1]);
  });

  it('gives gateways ports in a row, or any free ones', () => {
    const portsOf = (port: number) =>
      plan({ gateways: 3, port })
        .slice(-3)
        .map(({ options }) => options.port);
    expect(portsOf(8080)).toEqual([8080, 8081, 8082]);
    expect(portsOf(0)).toEqual([0, 0, 0]);
  });

  it('gives every process options that its service takes', () => {
    for (const { service, options } of plan({ tp: 2, deterministic: true, overlap: false, maxImages: 3 })) {
      expect(serviceSchemas[service].safeParse(options).error).toBeUndefined();
    }
  });
});

describe('shareMachine', () => {
  const cases: [title: string, given: Partial<ClusterConfig>, threads: number, kvCacheBytes: number][] = [
    ['gives a small cluster most of it', {}, 8, 4 * gibibyte],
    ['divides it among all that compute', { groups: 2, tp: 2, encoders: 2 }, 2, gibibyte],
    ['leaves every process a thread', { groups: 16 }, 1, gibibyte / 4],
    ['lets options decide', { groups: 2, threads: 5, kvCacheBytes: 1000 }, 5, 1000],
  ];
  for (const [title, given, threads, kvCacheBytes] of cases) {
    it(title, () => expect(shareMachine(load(given), machine)).toEqual({ threads, kvCacheBytes }));
  }
});
