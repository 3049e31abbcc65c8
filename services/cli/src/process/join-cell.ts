import { type Bus, createNatsBus } from '@tessera/bus';
import type { ProcessParts } from './run-process.js';

/** A process's options that say where it meets the others. */
export interface CellConfig {
  readonly nats: string;
  readonly cell: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** Connects a process to its cell, until it ends. Servers given as `tls://…` are shown the certificate of this process. */
export async function joinCell(config: CellConfig, { logger, context }: ProcessParts): Promise<Bus> {
  const servers = config.nats.split(',').map((url) => url.trim());
  const bus = await createNatsBus({
    servers,
    cell: config.cell,
    tls: servers.some((url) => url.startsWith('tls:')) ? tlsOf(config) : undefined,
    onWarning: (message, cause) => logger.warn({ err: cause }, message),
  });
  context.onShutdown('bus', () => bus.close());
  return bus;
}

function tlsOf({ tlsCa, tlsCert, tlsKey }: CellConfig) {
  if (tlsCa === undefined || tlsCert === undefined || tlsKey === undefined) return undefined;
  return { caFile: tlsCa, certFile: tlsCert, keyFile: tlsKey };
}
