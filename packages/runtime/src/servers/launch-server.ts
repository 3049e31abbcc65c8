import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { ServingError } from '@tessera/domain';
import { startDeadline } from '../start-deadline.js';
import { killWithUs } from './kill-with-us.js';
import type { ServerCommand } from './server-command.js';

export interface LaunchOptions {
  /** Hears every line of its output. */
  readonly onLine?: (line: string) => void;
  /** Its whole environment. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default 10 000. */
  readonly startTimeoutMs?: number;
  /** Time that it has to end after SIGTERM before SIGKILL. Default 5 000. */
  readonly stopTimeoutMs?: number;
}

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server that runs as a child of this process, does not outlive it, and hears no Ctrl-C of its terminal. */
export interface ServerProcess {
  readonly pid: number;
  /** Resolves when it has ended, whoever ended it. */
  readonly exited: Promise<ServerExit>;
  signal(name: NodeJS.Signals): void;
  /** Ends it, also when it is paused or not ready yet; resolves when it has ended. */
  stop(): Promise<void>;
}

/** A server on its way to being ready. */
export interface LaunchedServer extends ServerProcess {
  /**
   * Resolves when it is ready. Rejects with `server_not_found` when there is no such program, and with an Error that has
   * its last lines when it ends or says nothing of being ready in time; nothing is left running then.
   */
  readonly ready: Promise<void>;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

const numShownLines = 20;

/** Starts a server; `ready` must be awaited. */
export function launchServer(command: ServerCommand, options: LaunchOptions = {}): LaunchedServer {
  const { env, stopTimeoutMs = 5_000 } = options;
  const child = spawn(command.binary, [...command.args], { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env });
  killWithUs(child);
  const exited = exitOf(child);
  return {
    pid: child.pid!,
    exited,
    ready: untilReady(child, exited, command, options),
    signal: (name) => child.kill(name),
    stop: () => stopChild(child, exited, stopTimeoutMs),
  };
}

async function untilReady(
  child: Child,
  exited: Promise<ServerExit>,
  { binary, readyWhen }: ServerCommand,
  { onLine, startTimeoutMs = 10_000 }: LaunchOptions,
): Promise<void> {
  const lastLines: string[] = [];
  const isReady = new Promise<void>((resolve) => {
    hearLines(child, (line) => {
      onLine?.(line);
      if (lastLines.push(line) > numShownLines) lastLines.shift();
      if (readyWhen.test(line)) resolve();
    });
  });
  const complain = (what: string) => new Error(`${binary} ${what}\n${lastLines.join('\n')}`);
  const deadline = startDeadline(startTimeoutMs);
  try {
    await Promise.race([
      isReady,
      spawnErrorOf(child, binary),
      exited.then(({ code, signal }) => Promise.reject(complain(`ended with ${signal ?? code} before it was ready:`))),
      deadline.elapsed.then(() => Promise.reject(complain(`was not ready after ${startTimeoutMs} ms:`))),
    ]);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    deadline.cancel();
  }
}

function exitOf(child: Child): Promise<ServerExit> {
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

function hearLines(child: Child, onLine: (line: string) => void): void {
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', onLine);
}

function spawnErrorOf(child: Child, binary: string): Promise<never> {
  return new Promise((_, reject) => {
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const isMissing = cause.code === 'ENOENT';
      const reason = isMissing ? 'server_not_found' : 'invalid_option';
      const advice = 'node scripts/install-servers.mjs installs the servers that Tessera uses';
      const why = isMissing ? `there is no such program on PATH; ${advice}` : cause.message;
      reject(new ServingError(reason, `Cannot run ${binary}: ${why}.`, { binary }, { cause }));
    });
  });
}

async function stopChild(child: Child, exited: Promise<ServerExit>, timeoutMs: number): Promise<void> {
  child.kill('SIGTERM');
  child.kill('SIGCONT');
  const patience = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  await exited;
  clearTimeout(patience);
}
