import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { readMetrics } from '../../support/metrics.js';
import { runTessera } from '../../support/tessera-process.js';
import type { Cluster } from './start-cluster.js';

const held = [
  'tessera_sequences_waiting',
  'tessera_sequences_running',
  'tessera_kv_pages_owned',
  'tessera_embeddings_wanted',
  'tessera_embeddings_staged',
];

/** Names of the schedulers that believe they lead a rank group. */
export async function leadersOf(cluster: Cluster): Promise<string[]> {
  const groups = await cluster.metricOf('tessera_rank_groups');
  return [...groups].filter(([, num]) => num > 0).map(([name]) => name);
}

/** The one scheduler that leads. */
export async function leaderOf(cluster: Cluster): Promise<string> {
  const leaders = await leadersOf(cluster);
  if (leaders.length !== 1) throw new Error(`There are ${leaders.length} leaders: ${leaders.join(', ')}.`);
  return leaders[0]!;
}

/**
 * Waits until nothing is held for anybody and the books agree: the scheduler's, every rank's and the directory's, which
 * is written behind.
 */
export async function expectSoundBooks(cluster: Cluster): Promise<void> {
  await cluster.waitUntilReady();
  const leader = await leaderOf(cluster);
  const nothing = Object.fromEntries(held.map((name) => [name, 0]));
  await expect
    .poll(
      async () => {
        const metrics = await readMetrics(cluster.apiOf(leader));
        return Object.fromEntries(held.map((name) => [name, metrics.get(name)]));
      },
      { interval: 50, timeout: 20_000 },
    )
    .toEqual(nothing);
  await expect
    .poll(() => audit(cluster, leader), { interval: 200, timeout: 30_000 })
    .toMatch(/: 0 wrong, 0 lag, \d+ harmless\n$/);
}

async function audit(cluster: Cluster, leader: string): Promise<string> {
  const pattern = new RegExp(`^${leader} .*scheduler ready address=(\\S+)`, 'gm');
  const address = [...cluster.log.matchAll(pattern)].at(-1)?.[1];
  const flags = ['--scheduler', String(address), '--redis', `redis://127.0.0.1:${portOf(cluster, 'redis')}`];
  const tessera = runTessera(['audit', ...flags, '--at-rest']);
  await tessera.exited;
  return tessera.output;
}

/** Of a server of the cluster's own: among its arguments and, of Redis, in its title. */
function portOf(cluster: Cluster, name: string): string {
  const title = readFileSync(`/proc/${cluster.pidOf(name)}/cmdline`, 'utf8');
  const port = /(?:--port\0|127\.0\.0\.1:)(\d+)/.exec(title)?.[1];
  if (port === undefined) throw new Error(`No port in ${JSON.stringify(title)}.`);
  return port;
}
