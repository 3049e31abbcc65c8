import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServingError } from '@tessera/domain';
import {
  findFreePort,
  type LocalServerOptions,
  natsServerCommand,
  type ProcessContext,
  redisServerCommand,
  type ServerCommand,
} from '@tessera/runtime';
import type { ClusterLog } from './cluster-log.js';
import type { Servers } from './plan-cluster.js';
import { SupervisedProcess } from './supervised-process.js';

export interface ServersDeps {
  readonly log: ClusterLog;
  readonly context: ProcessContext;
  /** Whether all that they print is shown. */
  readonly isDebug: boolean;
}

export interface StartedServers extends Servers {
  /** Those that are this cluster's own. */
  readonly processes: readonly SupervisedProcess[];
}

const stopTimeoutMs = 5_000;

const commands = { nats: natsServerCommand, redis: redisServerCommand } as const;

/**
 * The servers that are given, and the others as processes of this machine, which forget everything with the cluster.
 * ServingError `server_not_found` when their programs are missing.
 */
export async function startServers(given: Partial<Servers>, deps: ServersDeps): Promise<StartedServers> {
  const processes: SupervisedProcess[] = [];
  const urlOf = async (name: keyof Servers): Promise<string> => {
    const url = given[name];
    if (url !== undefined) return url;
    const port = await findFreePort();
    processes.push(await createServerProcess(name, commands[name], port, deps));
    return `${name}://127.0.0.1:${port}`;
  };
  const urls = { nats: await urlOf('nats'), redis: await urlOf('redis') };
  await Promise.all(processes.map(startOrAdvise));
  return { ...urls, processes };
}

async function startOrAdvise(process: SupervisedProcess): Promise<void> {
  try {
    await process.start();
  } catch (cause) {
    if (!(cause instanceof ServingError && cause.reason === 'server_not_found')) throw cause;
    const message = `${cause.message} Or name one that runs with --${process.name} ${process.name}://host:port.`;
    throw new ServingError('server_not_found', message, cause.facts, { cause });
  }
}

async function createServerProcess(
  name: string,
  createCommand: (options: LocalServerOptions) => ServerCommand,
  port: number,
  { log, context, isDebug }: ServersDeps,
): Promise<SupervisedProcess> {
  const dir = await mkdtemp(join(tmpdir(), `tessera-${name}-`));
  context.onShutdown(`${name} folder`, () => rm(dir, { recursive: true, force: true }));
  const onLine = isDebug ? (line: string) => log.hear(name, line) : undefined;
  const command = createCommand({ port, dir });
  const process = new SupervisedProcess({ name, command, logger: log.loggerOf(name), onLine, stopTimeoutMs });
  context.onShutdown(name, () => process.stop());
  return process;
}
