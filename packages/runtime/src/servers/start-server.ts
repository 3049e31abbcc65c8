import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { ServingError } from '@tessera/domain';
import { startDeadline } from '../start-deadline.js';
import { killWithUs } from './kill-with-us.js';
import type { ServerCommand } from './server-command.js';

export interface StartServerOptions {
  /** Hears every line of its output. */
  readonly onLine?: (line: string) => void;
  /** Default 10 000. */
  readonly startTimeoutMs?: number;
  /** Time that it has to end after SIGTERM before SIGKILL. Default 5 000. */
  readonly stopTimeoutMs?: number;
}

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server that runs as a child of this process and does not outlive it. */
export interface ServerProcess {
  readonly pid: number;
  /** Resolves when it has ended, whoever ended it. */
  readonly exited: Promise<ServerExit>;
  signal(name: NodeJS.Signals): void;
  /** Ends it, also when it is paused; resolves when it has ended. */
  stop(): Promise<void>;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

const numShownLines = 20;

/**
 * Starts a server and resolves when it is ready. Throws `invalid_option` when there is no such program, and an Error
 * with its last lines when it ends or says nothing of being ready in time; nothing is left running then.
 */
export async function startServer(command: ServerCommand, options: StartServerOptions = {}): Promise<ServerProcess> {
  const { startTimeoutMs = 10_000, stopTimeoutMs = 5_000 } = options;
  const child = spawn(command.binary, [...command.args], { stdio: ['ignore', 'pipe', 'pipe'] });
  killWithUs(child);
  const exited = exitOf(child);
  const lastLines: string[] = [];
  const isReady = new Promise<void>((resolve) => {
    hearLines(child, (line) => {
      options.onLine?.(line);
      if (lastLines.push(line) > numShownLines) lastLines.shift();
      if (command.readyWhen.test(line)) resolve();
    });
  });
  const complain = (what: string) => new Error(`${command.binary} ${what}\n${lastLines.join('\n')}`);
  const deadline = startDeadline(startTimeoutMs);
  try {
    await Promise.race([
      isReady,
      spawnErrorOf(child, command.binary),
      exited.then(({ code, signal }) => Promise.reject(complain(`ended with ${signal ?? code} before it was ready:`))),
      deadline.elapsed.then(() => Promise.reject(complain(`was not ready after ${startTimeoutMs} ms:`))),
    ]);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    deadline.cancel();
  }
  return {
    pid: child.pid!,
    exited,
    signal: (name) => child.kill(name),
    stop: () => stopChild(child, exited, stopTimeoutMs),
  };
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
      const advice = 'node scripts/install-servers.mjs installs the servers that Tessera uses';
      const why = isMissing ? `there is no such program on PATH; ${advice}` : cause.message;
      reject(new ServingError('invalid_option', `Cannot run ${binary}: ${why}.`, { binary }, { cause }));
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
