import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/** Reads lists of process groups, one list a line; when its input ends, those of the last one are killed. */
const script = `
trap '' HUP INT TERM
groups=
while read -r line; do groups=$line; done
for group in $groups; do kill -KILL "-$group"; done
`;

/**
 * Kills process groups once this process is gone, also when SIGKILL ended it: a shell of a session of its own waits for
 * the end of its input, which only we hold.
 */
export class OrphanGuard {
  readonly #input: Socket;

  constructor() {
    const shell = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.#input = shell.stdin as Socket;
    // Without a shell, what we start is still killed when we exit in an orderly way.
    for (const emitter of [shell, this.#input]) emitter.on('error', () => {});
    shell.unref();
    this.#input.unref();
  }

  /** Replaces the groups named before. */
  guard(groupIds: readonly number[]): void {
    this.#input.write(`${groupIds.join(' ')}\n`);
  }
}
