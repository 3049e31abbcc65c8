import type { ProcessContext } from '@tessera/runtime';
import type { ClusterConfig } from './cluster-config.js';
import type { ClusterLog } from './cluster-log.js';
import { type PlannedProcess, planCluster, type Shares } from './plan-cluster.js';
import { processCommand } from './process-command.js';
import { startServers } from './start-servers.js';
import { SupervisedProcess } from './supervised-process.js';

export interface ClusterDeps {
  readonly log: ClusterLog;
  readonly context: ProcessContext;
}

export interface ClusterProcess {
  readonly name: string;
  readonly pid: number | undefined;
  /** Of its HTTP server; undefined for a server that is not of Tessera. */
  readonly url: string | undefined;
}

export interface StartedCluster {
  /** Of the gateways. */
  readonly urls: readonly string[];
  readonly processes: readonly ClusterProcess[];
}

/** Those end together; gateways come last in this list and so end first. */
const tiers = [['decoder', 'vision-encoder'], ['scheduler'], ['gateway']] as const;

/** What a process says once its HTTP server listens. */
const listensLine = /"url":"([^"]+)","msg":"(?:status served|gateway listens)"/;

/**
 * Starts all processes of a cluster whose engine is compiled, and keeps them up; resolves when every gateway serves.
 * They are ended through `context`, whose signal ends a start. ServingError for a process that cannot be started.
 */
export async function startCluster(config: ClusterConfig, shares: Shares, deps: ClusterDeps): Promise<StartedCluster> {
  const { log, context } = deps;
  const isDebug = config.logLevel === 'debug';
  const servers = await startServers(config, { log, context, isDebug });
  const planned = planCluster(config, shares, servers);
  const urls = new Map<string, string>();
  const processes = new Map(planned.map((each) => [each, createProcess(each, config, log, urls)]));
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
    urls: planned.filter(({ service }) => service === 'gateway').map(({ name }) => urls.get(name)!),
    processes: [...started, ...servers.processes].map(({ name, pid }) => ({ name, pid, url: urls.get(name) })),
  };
}

function createProcess(
  planned: PlannedProcess,
  { graceMs }: ClusterConfig,
  log: ClusterLog,
  urls: Map<string, string>,
): SupervisedProcess {
  const { name, service } = planned;
  const { env, ...command } = processCommand(planned);
  return new SupervisedProcess({
    name,
    command,
    env,
    logger: log.loggerOf(name),
    onLine: (line) => {
      const url = listensLine.exec(line)?.[1];
      if (url !== undefined) urls.set(name, url);
      log.hear(name, line);
    },
    stopTimeoutMs: service === 'gateway' ? graceMs + 7_000 : 12_000,
  });
}

async function stopAll(processes: readonly SupervisedProcess[]): Promise<void> {
  await Promise.all(processes.map((process) => process.stop()));
}
