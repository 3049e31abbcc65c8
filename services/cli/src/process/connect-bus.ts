import { type Bus, createNatsBus } from '@tessera/bus';
import type { Logger } from '@tessera/runtime';

/** A process's options that say where it meets the others. */
export interface BusConfig {
  readonly nats: string;
  readonly cell: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** The bus of a cell. Servers given as `tls://…` are shown the certificate of this process. */
export function connectBus(config: BusConfig, logger: Logger): Promise<Bus> {
  const servers = config.nats.split(',').map((url) => url.trim());
  return createNatsBus({
    servers,
    cell: config.cell,
    tls: servers.some((url) => url.startsWith('tls:')) ? tlsOf(config) : undefined,
    onWarning: (message, cause) => logger.warn({ err: cause }, message),
  });
}

function tlsOf({ tlsCa, tlsCert, tlsKey }: BusConfig) {
  if (tlsCa === undefined || tlsCert === undefined || tlsKey === undefined) return undefined;
  return { caFile: tlsCa, certFile: tlsCert, keyFile: tlsKey };
}
