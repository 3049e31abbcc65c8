import { setTimeout } from 'node:timers/promises';
import { ServingError } from '@tessera/domain';
import { type LaunchedServer, type Logger, launchServer, type ServerCommand, type ServerExit } from '@tessera/runtime';

export interface SupervisedOptions {
  readonly name: string;
  readonly command: ServerCommand;
  /** Its whole environment. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly logger: Logger;
  /** Hears every line of its output. Without it, a failed start tells the last ones. */
  readonly onLine?: (line: string) => void;
  /** Time that it has to end when it is stopped. */
  readonly stopTimeoutMs: number;
  /** Pause before it is started again, doubled each time up to the longest. Default 500. */
  readonly firstPauseMs?: number;
}

/** Large models come from slow disks. */
const startTimeoutMs = 1_800_000;
const longestPauseMs = 30_000;

/** What was up for so long is started again without having to wait for its earlier ends. */
const steadyMs = 60_000;

/** A process that is started again whenever it ends, until it is stopped. */
export class SupervisedProcess {
  readonly name: string;
  readonly #options: SupervisedOptions;
  readonly #stopping = new AbortController();
  #server: LaunchedServer | undefined;
  #isReady = false;
  #supervision: Promise<void> = Promise.resolve();

  constructor(options: SupervisedOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Of the process that runs now: another one after it was started again. */
  get pid(): number | undefined {
    return this.#server?.pid;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Resolves when it is ready; rejects when it is not at the first try, with a ServingError that names it. */
  async start(): Promise<void> {
    const { signal } = this.#stopping;
    signal.throwIfAborted();
    const server = this.#launch();
    try {
      await server.ready;
    } catch (error) {
      signal.throwIfAborted();
      throw await this.#explain(error, server);
    }
    this.#isReady = true;
    this.#supervision = this.#keepUp(server);
  }

  /** Ends it for good, whatever it is doing; resolves when it has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#isReady = false;
    await this.#server?.stop();
    await this.#supervision;
  }

  #launch(): LaunchedServer {
    const { command, env, logger, onLine, stopTimeoutMs } = this.#options;
    const server = launchServer(command, { env, onLine, startTimeoutMs, stopTimeoutMs });
    this.#server = server;
    logger.info({ pid: server.pid }, 'started');
    return server;
  }

  async #keepUp(first: LaunchedServer): Promise<void> {
    const { logger, firstPauseMs = 500 } = this.#options;
    const { signal } = this.#stopping;
    let pauseMs = firstPauseMs;
    for (let server = first; ; server = this.#launch()) {
      const sinceMs = performance.now();
      await this.#untilEnded(server);
      if (signal.aborted) return;
      if (performance.now() - sinceMs > steadyMs) pauseMs = firstPauseMs;
      logger.warn(`ended with ${formatExit(await server.exited)}; starts again in ${pauseMs / 1000} s`);
      await setTimeout(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    }
  }

  async #untilEnded({ ready, exited }: LaunchedServer): Promise<void> {
    try {
      await ready;
      this.#isReady = !this.#stopping.signal.aborted;
    } catch (error) {
      this.#options.logger.debug({ err: error }, 'not ready');
    }
    await exited;
    this.#isReady = false;
  }

  async #explain(cause: unknown, { exited }: LaunchedServer): Promise<unknown> {
    if (cause instanceof ServingError) return cause;
    const why = this.#options.onLine ? `ended with ${formatExit(await exited)} before it was ready` : String(cause);
    return new ServingError('worker_failed', `${this.name}: ${why}`, {}, { cause });
  }
}

function formatExit({ code, signal }: ServerExit): string {
  return signal ?? `exit code ${code}`;
}
