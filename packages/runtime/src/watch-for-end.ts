import { EventEmitter } from 'node:events';

/** The part of `process` that the shell needs. */
export interface ProcessHost {
  on(event: string, listener: (argument: unknown) => void): unknown;
  off(event: string, listener: (argument: unknown) => void): unknown;
  exit(code: number): void;
}

export type EndReason =
  | { readonly kind: 'signal'; readonly name: string }
  /** An exception or a rejection that nobody handled. */
  | { readonly kind: 'crash'; readonly error: unknown };

export interface EndWatch {
  readonly ended: Promise<EndReason>;
  /** A second reason while the process is closing: no more patience. */
  readonly endedAgain: Promise<EndReason>;
  /** Stops listening; signals have their default effect again. */
  dispose(): void;
}

const signalNames = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const crashEvents = ['unhandledRejection', 'uncaughtException'];

/**
 * Waits for a signal or a crash, and for the next one. Signals within `debounceMs` of the first count as the same: a
 * single Ctrl-C reaches a process from the terminal and once more from npm.
 */
export function watchForEnd(host: ProcessHost, debounceMs: number, now: () => number): EndWatch {
  const reasons = new EventEmitter();
  const next = (name: 'first' | 'second') =>
    new Promise<EndReason>((resolve) => {
      reasons.once(name, resolve);
    });
  const [ended, endedAgain] = [next('first'), next('second')];
  let firstMs: number | undefined;

  const report = (reason: EndReason) => {
    if (firstMs === undefined) {
      firstMs = now();
      reasons.emit('first', reason);
    } else if (reason.kind === 'crash' || now() - firstMs >= debounceMs) {
      reasons.emit('second', reason);
    }
  };
  const listeners = [
    ...signalNames.map((name) => [name, () => report({ kind: 'signal', name })] as const),
    ...crashEvents.map((event) => [event, (error: unknown) => report({ kind: 'crash', error })] as const),
  ];
  for (const [event, listener] of listeners) host.on(event, listener);
  return {
    ended,
    endedAgain,
    dispose() {
      for (const [event, listener] of listeners) host.off(event, listener);
    },
  };
}
