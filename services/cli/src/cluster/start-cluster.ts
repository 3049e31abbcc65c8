import type { ProcessContext } from '@tessera/runtime';
import type { ClusterConfig } from './cluster-config.js';
import type { ClusterLog } from './cluster-log.js';
import { type PlannedProcess, planCluster, type Servers, type Shares } from './plan-cluster.js';
import { processCommand } from './process-command.js';
import { type StartedServers, startServers } from './start-servers.js';
import { SupervisedProcess } from './supervised-process.js';

export interface ClusterDeps {
  readonly log: ClusterLog;
  readonly context: ProcessContext;
}

export interface ClusterProcess {
  readonly name: string;
  readonly service: PlannedProcess['service'] | keyof Servers;
  /** Undefined for a server that is not of this cluster. */
  readonly pid: number | undefined;
  /** Of its HTTP server; undefined for a server that is not of Tessera. */
  readonly url?: string;
  /** Where other commands find it: of a scheduler that of its gRPC server, of a server its URL. */
  readonly address?: string;
}

export interface StartedCluster {
  /** Of the gateways. */
  readonly urls: readonly string[];
  readonly processes: readonly ClusterProcess[];
}

/** Where a process is, as far as it has said so. */
interface Whereabouts {
  url?: string;
  address?: string;
}

/** Those end together; gateways come last in this list and so end first. */
const tiers = [['decoder', 'vision-encoder'], ['scheduler'], ['gateway']] as const;

/** What a process says once its HTTP server listens. */
const listensLine = /"url":"(?<url>[^"]+)","msg":"(?:status served|gateway listens)"/;

/** What a scheduler says once gateways can reach it. */
const servesLine = /"address":"(?<address>[^"]+)".*"msg":"scheduler ready"/;

/**
 * Starts all processes of a cluster whose engine is compiled, and keeps them up; resolves when every gateway serves.
 * They are ended through `context`, whose signal ends a start. ServingError for a process that cannot be started.
 */
export async function startCluster(config: ClusterConfig, shares: Shares, deps: ClusterDeps): Promise<StartedCluster> {
  const { log, context } = deps;
  const isDebug = config.logLevel === 'debug';
  const servers = await startServers(config, { log, context, isDebug });
  const planned = planCluster(config, shares, servers);
  const heard = new Map<PlannedProcess, Whereabouts>(planned.map((each) => [each, {}]));
  const processes = new Map(planned.map((each) => [each, createProcess(each, config, log, heard.get(each)!)]));
  for (const tier of tiers) {
    const members = [...processes].filter(([{ service }]) => tier.some((name) => name === service));
    context.onShutdown(tier.join(' and '), () => stopAll(members.map(([, process]) => process)));
  }
  const started = [...processes.values()];
  const giveUp = () => void stopAll(started.filter(({ isReady }) => !isReady));
  context.signal.addEventListener('abort', giveUp);
  context.signal.throwIfAborted();
  await Promise.all(started.map((process) => process.start()));
  context.signal.removeEventListener('abort', giveUp);
  return {
    urls: planned.filter(({ service }) => service === 'gateway').map((gateway) => heard.get(gateway)!.url!),
    processes: [
      ...[...processes].map(([each, { name, pid }]) => ({ name, service: each.service, pid, ...heard.get(each) })),
      ...describeServers(servers),
    ],
  };
}

/** Its own, and the one that keeps the directory, whoever's it is. */
function describeServers({ processes, ...urls }: StartedServers): ClusterProcess[] {
  const pidOf = (service: keyof Servers) => processes.find(({ name }) => name === service)?.pid;
  return (['nats', 'redis'] as const)
    .map((service) => ({ name: service, service, pid: pidOf(service), address: urls[service] }))
    .filter(({ service, pid }) => service === 'redis' || pid !== undefined);
}

function createProcess(
  planned: PlannedProcess,
  { graceMs }: ClusterConfig,
  log: ClusterLog,
  whereabouts: Whereabouts,
): SupervisedProcess {
  const { name, service } = planned;
  const { env, ...command } = processCommand(planned);
  return new SupervisedProcess({
    name,
    command,
    env,
    logger: log.loggerOf(name),
    onLine: (line) => {
      for (const pattern of [listensLine, servesLine]) Object.assign(whereabouts, pattern.exec(line)?.groups);
      log.hear(name, line);
    },
    stopTimeoutMs: service === 'gateway' ? graceMs + 7_000 : 12_000,
  });
}

async function stopAll(processes: readonly SupervisedProcess[]): Promise<void> {
  await Promise.all(processes.map((process) => process.stop()));
}
