import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, resolve } from 'node:path';
import type { Bus } from '@tessera/bus';
import type { Processor } from '@tessera/qwen2-5-vl';
import { connectScheduler, connectVisionEncoder, type RemoteVisionEncoder } from '@tessera/rpc';
import { createMetrics, type Logger, type Metrics, type ProcessContext, tlsFilesOf } from '@tessera/runtime';
import type { Cell } from './cell/cell.js';
import { ClientPool } from './cell/client-pool.js';
import { createCell } from './cell/create-cell.js';
import { followMembers } from './cell/follow-members.js';
import { gatewayOptionsOf } from './config.js';
import { createGateway } from './create-gateway.js';
import type { ServedModel } from './gateway-deps.js';
import type { GatewayServerConfig } from './server-config.js';

export interface GatewayServerDeps {
  readonly logger: Logger;
  readonly context: ProcessContext;
  /** Tells which schedulers and encoders there are; needless with a fixed `scheduler`. */
  readonly bus?: Bus | undefined;
  /** Of the checkpoint that `config.model` names. */
  readonly processor: Processor;
  /** Of the process that it shares with other services. Default: its own. */
  readonly metrics?: Metrics;
}

export interface StartedGateway {
  readonly url: string;
  readonly modelId: string;
  readonly metrics: Metrics;
  /** Resolves when requests are answered; ServingError `not_ready`, telling what is missing, after `limitMs`. */
  whenReady(limitMs: number, signal: AbortSignal): Promise<void>;
}

/**
 * Brings up the gateway as a process of its own. It listens at once and is ready when the cell is, whose schedulers and
 * encoders it follows; what it starts is closed through `context`.
 */
export async function startGateway(config: GatewayServerConfig, deps: GatewayServerDeps): Promise<StartedGateway> {
  const { logger, context, bus, processor, metrics = createMetrics() } = deps;
  const tls = tlsFilesOf(config);
  const encoders = new ClientPool((address) => connectVisionEncoder(address, { tls }));
  context.onShutdown('encoder connections', () => encoders.close());
  const cell = createCell({ logger, connect: (address) => connectScheduler(address, { tls }) });
  const model = await servedModelOf(config);
  const gateway = createGateway(
    { processor, model, cell, encoders: (address) => encoders.get(address), logger, metrics },
    gatewayOptionsOf(config),
  );
  const following = followCluster(config, { cell, encoders }, deps);
  context.onShutdown('gateway', async () => {
    await gateway.close();
    following.abort();
  });
  const url = await gateway.listen({ host: config.host, port: config.port });
  if (bus !== undefined) await announce(bus, url, context);
  const whenReady = async (limitMs: number, signal: AbortSignal): Promise<void> => {
    await cell.whenReady(limitMs, signal);
  };
  return { url, modelId: model.id, metrics, whenReady };
}

interface Cluster {
  readonly cell: Cell;
  readonly encoders: ClientPool<RemoteVisionEncoder>;
}

/** Keeps to the schedulers and encoders that the bus names, until aborted. */
function followCluster(
  { scheduler }: GatewayServerConfig,
  { cell, encoders }: Cluster,
  { bus, logger }: GatewayServerDeps,
): AbortController {
  const following = new AbortController();
  const { signal } = following;
  if (scheduler !== undefined) cell.follow([scheduler]);
  else if (bus !== undefined) {
    void followMembers(bus, 'scheduler', { signal, logger, take: (addresses) => cell.follow(addresses) });
  }
  if (bus !== undefined) {
    void followMembers(bus, 'vision-encoder', { signal, logger, take: (addresses) => encoders.serve(addresses) });
  }
  return following;
}

async function servedModelOf({ model, servedModelName }: GatewayServerConfig): Promise<ServedModel> {
  const dir = resolve(model);
  const { mtimeMs } = await stat(dir);
  return { id: servedModelName ?? basename(dir), createdUnixSeconds: Math.floor(mtimeMs / 1000) };
}

async function announce(bus: Bus, url: string, context: ProcessContext): Promise<void> {
  const { host: address, port } = new URL(url);
  const id = `${hostname()}:${port}`;
  const announcement = await bus.announce({ kind: 'gateway', id, address, incarnation: randomUUID(), facts: {} });
  context.onShutdown('membership', () => announcement.withdraw());
}
