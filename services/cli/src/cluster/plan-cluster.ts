import type { ConfigSchema } from '@tessera/runtime';
import { type ServiceName, serviceSchemas } from '../process/service-schemas.js';
import type { ClusterConfig } from './cluster-config.js';

/** What the machine has for a cluster. */
export interface Machine {
  readonly numCores: number;
  readonly freeBytes: number;
}

/** Where the servers are that the processes meet at. */
export interface Servers {
  readonly nats: string;
  readonly redis: string;
}

/** A process of the cluster: a command of `tessera`, under a name of its own. */
export interface PlannedProcess {
  readonly name: string;
  readonly service: ServiceName;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What each process that computes gets of the machine. */
export interface Shares {
  readonly threads: number;
  readonly kvCacheBytes: number;
}

/** The machine divided among decoders and encoders, where the options do not say otherwise. */
export function shareMachine(config: ClusterConfig, { numCores, freeBytes }: Machine): Shares {
  const numDecoders = config.groups * config.tp;
  return {
    threads: config.threads ?? Math.max(1, Math.floor(numCores / (numDecoders + config.encoders))),
    kvCacheBytes: config.kvCacheBytes ?? Math.floor(freeBytes / 4 / numDecoders),
  };
}

/** The processes of a cluster, those first that others wait for. */
export function planCluster(config: ClusterConfig, shares: Shares, servers: Servers): PlannedProcess[] {
  const shared = { ...config, ...shares, ...servers };
  const plan = (service: ServiceName, name: string, own: object = {}): PlannedProcess => {
    const options = optionsOf(serviceSchemas[service], { ...shared, ...own });
    return { name, service, options };
  };
  return [
    ...indices(config.groups).flatMap((group) =>
      indices(config.tp).map((rank) => plan('decoder', decoderName(config, group, rank), rankOf(config, group, rank))),
    ),
    ...indices(config.encoders).map((index) => plan('vision-encoder', `encoder-${index}`)),
    ...indices(config.schedulers).map((index) => plan('scheduler', `scheduler-${index}`)),
    ...indices(config.gateways).map((index) => plan('gateway', `gateway-${index}`, { port: portOf(config, index) })),
  ];
}

/** The ports of the gateways; 0 is any free one. */
export function portOf({ port }: Pick<ClusterConfig, 'port'>, gateway: number): number {
  return port === 0 ? 0 : port + gateway;
}

function decoderName({ tp }: ClusterConfig, group: number, rank: number): string {
  return tp === 1 ? `decoder-${group}` : `decoder-${group}-${rank}`;
}

/** A group of one rank needs no mesh. */
function rankOf({ tp }: ClusterConfig, group: number, rank: number) {
  return { group: `group-${group}`, rank: tp === 1 ? undefined : rank };
}

function indices(num: number): number[] {
  return Array.from({ length: num }, (_, index) => index);
}

/** Those that the schema knows and that have a value. */
function optionsOf(schema: ConfigSchema, given: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(given).filter(([name, value]) => name in schema.shape && value !== undefined),
  );
}
