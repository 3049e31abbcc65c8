import { availableParallelism } from 'node:os';
import { startRedis } from '@tessera/testkit';
import { startCluster } from '../../e2e/cluster/support/start-cluster.js';
import type { ApiClient } from '../../e2e/support/api-client.js';
import { holdingsOf, readMetrics } from '../../e2e/support/metrics.js';
import { type ServerOptions, startServer } from '../../e2e/support/start-server.js';
import { runTessera } from '../../e2e/support/tessera-process.js';
import { type CallbackSummary, createCallbackMonitor } from './callback-summaries.js';

/** A server under load, in one process or in many. Whoever starts it stops it. */
export interface LoadedServer {
  /** Of the gateways. */
  readonly apis: readonly ApiClient[];
  /** What all processes hold for requests. */
  readHoldings(): Promise<Record<string, number>>;
  /** Answers to chat requests by HTTP status. */
  countAnswers(): Promise<Record<string, number>>;
  /** What `tessera audit` prints of a server at rest; undefined when there are no books to compare. */
  audit(): Promise<string | undefined>;
  /** Ends it; gives what was measured of processes by name. */
  stop(): Promise<ReadonlyMap<string, CallbackSummary>>;
}

/** Little room: requests are refused, preempted, and look for embeddings that were evicted. */
const options = {
  deterministic: true,
  // Those that the shared engine was probed with.
  threads: availableParallelism(),
  'kv-cache-tokens': 8192,
  'embedding-cache-bytes': 2 ** 20,
  'max-sequences': 16,
} as const satisfies ServerOptions;

export async function startLoadedServer(maxRequests: number): Promise<LoadedServer> {
  const waiting = { 'max-waiting-requests': maxRequests - options['max-sequences'] };
  const server = await startServer({ ...options, ...waiting });
  const read = () => readMetrics(server.api);
  return {
    apis: [server.api],
    readHoldings: async () => holdingsOf(await read()),
    countAnswers: async () => answersOf(await read()),
    audit: async () => undefined,
    stop: async () => {
      await server.stop();
      return new Map();
    },
  };
}

/** Two groups of one rank, two encoders and two gateways. The callbacks of gateways and scheduler are measured. */
export async function startLoadedCluster(maxRequests: number): Promise<LoadedServer> {
  const redis = await startRedis();
  const size = { groups: 2, encoders: 2, gateways: 2 };
  const waiting = { 'max-waiting-requests': maxRequests - size.groups * options['max-sequences'] };
  const monitor = await createCallbackMonitor(['gateway', 'scheduler']);
  const cluster = await monitor.watching(() =>
    startCluster({ ...size, options: { ...options, ...waiting, redis: redis.url } }),
  );
  const names = ['gateway-0', 'gateway-1', 'scheduler-0'];
  for (const name of names) {
    cluster.kill(name, 'SIGUSR2');
    await cluster.command.printed(new RegExp(`^${name} +callbacks are measured`, 'm'));
  }
  const read = async () => {
    const urls = [...cluster.processes].filter(([, { url }]) => url !== undefined);
    return sum(await Promise.all(urls.map(([name]) => readMetrics(cluster.apiOf(name)))));
  };
  return {
    apis: ['gateway-0', 'gateway-1'].map((name) => cluster.apiOf(name)),
    readHoldings: async () => holdingsOf(await read()),
    countAnswers: async () => answersOf(await read()),
    audit: async () => {
      const [, address] = await cluster.command.printed(/scheduler ready address=(\S+)/);
      const audit = runTessera(['audit', '--scheduler', address!, '--redis', redis.url, '--at-rest']);
      await audit.exited;
      return audit.output;
    },
    stop: async () => {
      await cluster.stop();
      await redis.stop();
      return monitor.read(names);
    },
  };
}

function answersOf(samples: ReadonlyMap<string, number>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [name, value] of samples) {
    const [, status] =
      /^tessera_gateway_requests_total\{route="\/v1\/chat\/completions",status="(\d+)"/.exec(name) ?? [];
    if (status !== undefined) counts[status] = (counts[status] ?? 0) + value;
  }
  return counts;
}

function sum(all: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const total = new Map<string, number>();
  for (const samples of all) for (const [name, value] of samples) total.set(name, (total.get(name) ?? 0) + value);
  return total;
}
