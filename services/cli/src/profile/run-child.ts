import { spawn } from 'node:child_process';
import { once } from 'node:events';

const signalNames = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs Node.js with these arguments and `env` over this process's environment, its standard streams being ours. Signals
 * are passed on. Resolves with the exit status, 1 when a signal ended it.
 *
 * The child has a process group of its own, or a terminal's Ctrl-C would reach it twice; and a channel to us, which
 * closes when we are killed: `endingWithParent` listens to it.
 */
export async function runChild(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  const passOn = (name: NodeJS.Signals) => child.kill(name);
  for (const name of signalNames) process.on(name, passOn);
  try {
    const [status] = (await once(child, 'exit')) as [number | null];
    return status ?? 1;
  } finally {
    for (const name of signalNames) process.off(name, passOn);
  }
}

/** Runs `work`; asks this process to end, as SIGTERM does, when `runChild` started it and its parent is gone. */
export async function endingWithParent(work: () => Promise<void>): Promise<void> {
  const end = () => process.kill(process.pid, 'SIGTERM');
  process.once('disconnect', end);
  try {
    await work();
  } finally {
    process.off('disconnect', end);
  }
}
