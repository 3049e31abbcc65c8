import { type Bus, createNatsBus } from '@tessera/bus';
import { type TlsOptions, tlsFilesOf } from '@tessera/runtime';
import type { ProcessParts } from './run-process.js';

/** A process's options that say where it meets the others. */
export interface CellConfig extends TlsOptions {
  readonly nats: string;
  readonly cell: string;
}

/** Connects a process to its cell, until it ends. Servers given as `tls://…` are shown the certificate of this process. */
export async function joinCell(config: CellConfig, { logger, context }: ProcessParts): Promise<Bus> {
  const servers = config.nats.split(',').map((url) => url.trim());
  const bus = await createNatsBus({
    servers,
    cell: config.cell,
    tls: servers.some((url) => url.startsWith('tls:')) ? tlsFilesOf(config) : undefined,
    onWarning: (message, cause) => logger.warn({ err: cause }, message),
  });
  context.onShutdown('bus', () => bus.close());
  return bus;
}
