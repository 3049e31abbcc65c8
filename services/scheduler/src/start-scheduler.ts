import { randomUUID } from 'node:crypto';
import type { Bus } from '@tessera/bus';
import { directoryPrefixOf, type PageDirectory, RedisPageDirectory } from '@tessera/kv';
import { advertisedAddress, createRpcServer, serveScheduler } from '@tessera/rpc';
import {
  createHealth,
  createMetrics,
  type Health,
  type Logger,
  type Metrics,
  type ProcessContext,
  tlsFilesOf,
} from '@tessera/runtime';
import { CellServer } from './cell/cell-server.js';
import { type SchedulerServerConfig, schedulerConfigOf } from './config.js';
import { createSchedulerMetrics } from './scheduler-metrics.js';

export interface SchedulerProcessDeps {
  readonly logger: Logger;
  readonly context: ProcessContext;
  readonly bus: Bus;
  /** Of the process that it shares with other services. Default: its own. */
  readonly metrics?: Metrics;
  /** Where pages are written down. Default: the Redis server of the config, if it names one. */
  readonly directory?: PageDirectory;
}

export interface StartedScheduler {
  /** Where gateways find it. */
  readonly address: string;
  readonly health: Health;
  readonly metrics: Metrics;
  /** Resolves with the reason when it cannot follow its cell any more, nor lead it. */
  readonly lost: Promise<Error>;
}

/** Time that streams get to tell gateways that they should go elsewhere. */
const graceMs = 1000;

/**
 * Brings up a scheduler as a process of its own: it stands by until it holds the lease of its cell. What it starts is
 * closed through `context`. ServingError for an address that cannot be served.
 */
export async function startScheduler(
  config: SchedulerServerConfig,
  { logger, context, bus, metrics = createMetrics(), ...given }: SchedulerProcessDeps,
): Promise<StartedScheduler> {
  const health = createHealth(['server', 'cell', 'membership']);
  const tls = tlsFilesOf(config);
  const directory = given.directory ?? openDirectory(config, context);
  const server = createRpcServer({
    tls,
    onError: (error, method) => logger.error({ err: error, method }, 'a call failed'),
  });
  const incarnation = randomUUID();
  const cell: CellServer = new CellServer({
    bus,
    leaseName: `leader-${config.cell}`,
    leaseMs: config.leaseMs,
    leaderId: incarnation,
    planning: schedulerConfigOf(config),
    silenceMs: config.silenceMs,
    directory,
    tls,
    logger,
    metrics: createSchedulerMetrics(metrics, () => cell.leadership?.scheduler.snapshot),
  });
  serveScheduler(server, cell);
  const address = advertisedAddress(await server.listen(config.listen), config.advertiseHost);
  context.onShutdown('server', () => server.close(graceMs));
  health.set('server', 'ready');

  const end = new AbortController();
  health.set('cell', 'ready');
  let lose: (reason: Error) => void = () => {};
  const lost = new Promise<Error>((resolve) => {
    lose = resolve;
  });
  const running = cell.run(end.signal).catch((error: unknown) => {
    health.set('cell', 'failed', String(error));
    logger.error({ err: error }, 'the cell is followed no more');
    lose(error as Error);
  });
  context.onShutdown('cell', async () => {
    end.abort();
    await running;
  });
  const announcement = await bus.announce({ kind: 'scheduler', id: address, address, incarnation, facts: {} });
  context.onShutdown('membership', () => announcement.withdraw());
  health.set('membership', 'ready');
  logger.info({ address, cell: config.cell }, 'scheduler ready');
  return { address, health, metrics, lost };
}

function openDirectory(
  { redis: url, cell }: SchedulerServerConfig,
  context: ProcessContext,
): PageDirectory | undefined {
  if (url === undefined) return undefined;
  const directory = new RedisPageDirectory({ url, prefix: directoryPrefixOf(cell) });
  context.onShutdown('page directory', () => directory.close());
  return directory;
}
