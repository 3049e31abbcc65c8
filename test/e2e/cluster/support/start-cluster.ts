import { mkdtempSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { ApiClient } from '../../support/api-client.js';
import { readMetrics } from '../../support/metrics.js';
import type { ServerOptions } from '../../support/start-server.js';
import { runTessera, sharedEngineCache, type TesseraProcess } from '../../support/tessera-process.js';
import { type ProcessState, readProcessStates } from './process-states.js';

const logsDir = fileURLToPath(new URL('../../../../test-results/cluster/', import.meta.url));

/** How many processes of each kind; one of each when nothing is said. */
export interface ClusterSize {
  readonly groups?: number;
  readonly tp?: number;
  readonly encoders?: number;
  readonly gateways?: number;
  readonly schedulers?: number;
}

export interface ClusterSetup extends ClusterSize {
  /** Further flags of `tessera cluster`. */
  readonly options?: ServerOptions;
}

/**
 * `tessera cluster` with its own Redis and NATS, all real processes on free ports, ready for requests. Whoever starts it
 * stops it. Its processes are `decoder-0` (with `tp` above one `decoder-0-1`: group, rank), `encoder-0`, `scheduler-0`,
 * `gateway-0`, `nats` and `redis`.
 */
export async function startCluster(setup: ClusterSetup = {}): Promise<Cluster> {
  const cluster = launchCluster(setup);
  try {
    await cluster.waitUntilReady();
  } catch (error) {
    cluster.command.signal('SIGKILL');
    throw error;
  }
  return cluster;
}

/** The same on its way. What its processes leave in the temporary folder, if they are killed, goes with them. */
export function launchCluster({ options, ...size }: ClusterSetup = {}): Cluster {
  const given: ServerOptions = { ...size, port: 0, 'engine-cache': sharedEngineCache, ...options };
  const flags = Object.entries(given).flatMap(([name, value]) => [
    `--${name}`,
    ...(value === true ? [] : [String(value)]),
  ]);
  const dir = mkdtempSync(join(tmpdir(), 'tessera-cluster-'));
  const command = runTessera(['cluster', ...flags], { TMPDIR: dir });
  void command.exited.then(() => rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  return new Cluster(command, size);
}

export class Cluster {
  /** The process that watches over the others. */
  readonly command: TesseraProcess;
  readonly #size: ClusterSize;

  constructor(command: TesseraProcess, size: ClusterSize) {
    this.command = command;
    this.#size = size;
  }

  /** Everything that all processes said so far. */
  get log(): string {
    return this.command.output;
  }

  get processes(): ReadonlyMap<string, ProcessState> {
    return readProcessStates(this.log);
  }

  /** Of the first gateway. */
  get api(): ApiClient {
    return this.apiOf('gateway-0');
  }

  /** Of this gateway; `get` and `/metrics` work with any process of Tessera. */
  apiOf(name: string): ApiClient {
    const { url } = this.#process(name);
    if (url === undefined) throw new Error(`${name} has no HTTP server.`);
    return new ApiClient(url);
  }

  /** As it is now: another one after it was started again. */
  pidOf(name: string): number {
    return this.#process(name).pid;
  }

  /** Ends a process as a crash or the system does; the cluster starts it again. */
  kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): void {
    process.kill(this.pidOf(name), signal);
  }

  /** Its connections stay open and nothing answers. */
  pause(name: string): void {
    this.kill(name, 'SIGSTOP');
  }

  resume(name: string): void {
    this.kill(name, 'SIGCONT');
  }

  /** Kills a process and waits until another one does its work. */
  async restart(name: string): Promise<void> {
    const { numStarts } = this.#process(name);
    this.kill(name);
    await this.#expectSoon(() => {
      const state = this.processes.get(name);
      return state?.isReady && state.numStarts > numStarts;
    }, `${name} does not come back`);
  }

  /** Waits until all processes are up, some scheduler leads all groups and knows all encoders, and gateways serve. */
  async waitUntilReady(): Promise<void> {
    const { gateways = 1 } = this.#size;
    const ended = this.command.exited.then((code) => Promise.reject(this.#failure(`it ended with ${code}`)));
    await Promise.race([
      ended,
      this.#expectSoon(() => /^Tessera serves/m.test(this.log), 'it does not start').then(() =>
        this.#expectSoon(() => this.#isComplete(), 'it is not complete'),
      ),
    ]);
    for (let index = 0; index < gateways; index++) {
      const { url } = this.apiOf(`gateway-${index}`);
      const isReady = () =>
        fetch(`${url}/health/ready`).then(
          ({ ok }) => ok,
          () => false,
        );
      await this.#expectSoon(isReady, `gateway-${index} is not ready`);
    }
  }

  /** A metric of each process that has it, by process; without those that do not answer. */
  async metricOf(metric: string): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (const [name, { url, isUp }] of this.processes) {
      if (!isUp || url === undefined) continue;
      const value = (await readMetrics(new ApiClient(url), 2_000).catch(() => undefined))?.get(metric);
      if (value !== undefined) found.set(name, value);
    }
    return found;
  }

  /** Ends it as Ctrl-C does; rejects when it does not end cleanly. Its log is kept in `test-results/cluster`. */
  async stop(): Promise<void> {
    this.command.signal('SIGINT');
    const code = await this.command.exited;
    await this.#keepLog();
    if (code !== 0) throw this.#failure(`it ended with ${code}`);
  }

  #process(name: string): ProcessState {
    const state = this.processes.get(name);
    if (state === undefined) throw new Error(`There is no ${name} in the cluster.`);
    return state;
  }

  async #isComplete(): Promise<boolean> {
    const { groups = 1, encoders = 1 } = this.#size;
    if (![...this.processes.values()].every(({ isReady }) => isReady)) return false;
    const leadsAll = (name: string, num: number) =>
      this.metricOf(name).then((metric) => [...metric.values()].includes(num));
    return (await leadsAll('tessera_rank_groups', groups)) && (await leadsAll('tessera_encoders', encoders));
  }

  async #expectSoon(isTrue: () => unknown, complaint: string): Promise<void> {
    try {
      await vi.waitUntil(isTrue, { interval: 50, timeout: 90_000 });
    } catch (cause) {
      await this.#keepLog();
      throw this.#failure(complaint, cause);
    }
  }

  #failure(what: string, cause?: unknown): Error {
    const end = this.log.slice(-4000);
    return new Error(`The cluster: ${what}; its log is in ${this.#logPath}, whose end is\n${end}`, { cause });
  }

  get #logPath(): string {
    return `${logsDir}${this.command.pid}.log`;
  }

  async #keepLog(): Promise<void> {
    await mkdir(logsDir, { recursive: true });
    await writeFile(this.#logPath, this.log);
  }
}
