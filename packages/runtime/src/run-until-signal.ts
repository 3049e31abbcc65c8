import type { Logger } from './create-logger.js';
import { ShutdownStack } from './shutdown-stack.js';
import { startDeadline } from './start-deadline.js';
import { type EndReason, type ProcessHost, watchForEnd } from './watch-for-end.js';

export interface ProcessContext {
  /** Aborts as soon as the process is asked to end: a start that takes long should give up. */
  readonly signal: AbortSignal;
  /** Registers how something that was just started is closed; the last one is closed first. */
  onShutdown(name: string, close: () => void | Promise<void>): void;
}

export interface RunOptions {
  readonly logger: Logger;
  /** Time that closing may take before the process exits anyway. Default 10 000. */
  readonly graceMs?: number;
  /** Signals closer together count as one. Default 500. */
  readonly debounceMs?: number;
  /** Tells the user why the start failed. By default the error is logged. */
  readonly onFailedStart?: (error: unknown) => void;
  /** Resolves with the reason when the service can do nothing any more: it is closed, to be started again. */
  readonly lost?: Promise<unknown>;
  readonly host?: ProcessHost;
  readonly now?: () => number;
}

type Ending = EndReason | { readonly kind: 'failedStart' | 'lost'; readonly error: unknown };

/**
 * Runs a service to its end: `start` brings it up; SIGINT, SIGTERM or SIGHUP close what it registered. Exits with 0
 * after a clean end, and with 1 when the start failed, the service was lost, closing failed, the grace time ran out, a
 * second signal came, or nobody handled an error.
 */
export async function runUntilSignal(
  start: (context: ProcessContext) => Promise<void>,
  options: RunOptions,
): Promise<void> {
  const { logger, graceMs = 10_000, debounceMs = 500, host = process, now = Date.now } = options;
  const watch = watchForEnd(host, debounceMs, now);
  const stack = new ShutdownStack(logger);
  const abort = new AbortController();

  const starting = start({ signal: abort.signal, onShutdown: (name, close) => stack.add(name, close) });
  const ending = await Promise.race([watch.ended, failureOf(starting), lossOf(options.lost)]);
  if (ending.kind === 'failedStart' && options.onFailedStart) options.onFailedStart(ending.error);
  else logEnding(logger, ending);
  abort.abort();

  const deadline = startDeadline(graceMs);
  const isClosed = await Promise.race([
    closeAfterStart(starting, stack),
    watch.endedAgain.then((again) => complain(logger, `${describeEnding(again)} while closing: exiting at once`)),
    deadline.elapsed.then(() => complain(logger, `closing took longer than ${graceMs} ms: exiting without the rest`)),
  ]);
  deadline.cancel();
  watch.dispose();
  host.exit(isClosed && ending.kind === 'signal' ? 0 : 1);
}

/** Resolves with the error of a failed start; never resolves when the start succeeds. */
function failureOf(starting: Promise<void>): Promise<Ending> {
  return new Promise((resolve) => {
    starting.catch((error: unknown) => resolve({ kind: 'failedStart', error }));
  });
}

async function lossOf(lost: Promise<unknown> | undefined): Promise<Ending> {
  return { kind: 'lost', error: await (lost ?? new Promise(() => {})) };
}

/** What a start in flight still registers must be closed too, so it is waited for; its error is in the log or moot. */
async function closeAfterStart(starting: Promise<void>, stack: ShutdownStack): Promise<boolean> {
  await Promise.allSettled([starting]);
  return stack.close();
}

function logEnding(logger: Logger, ending: Ending): void {
  if (ending.kind === 'signal')
    logger.info(`${ending.name}: shutting down; a second signal or Ctrl-C ends the process at once`);
  else logger.fatal({ err: ending.error }, describeEnding(ending));
}

function describeEnding(ending: Ending): string {
  if (ending.kind === 'signal') return ending.name;
  return endings[ending.kind];
}

const endings = {
  failedStart: 'could not start',
  lost: 'the service is lost',
  crash: 'an error was handled by nobody',
} as const;

function complain(logger: Logger, message: string): false {
  logger.error(message);
  return false;
}
