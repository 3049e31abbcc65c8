import type { ChildProcess } from 'node:child_process';
import { OrphanGuard } from './orphan-guard.js';

const children = new Set<ChildProcess>();
let orphanGuard: OrphanGuard | undefined;

/** Kills the process group that the child leads when this process ends, however it does, unless the child did before. */
export function killWithUs(child: ChildProcess): void {
  if (children.size === 0) process.on('exit', killAll);
  children.add(child);
  tellGuard();
  child.once('close', () => {
    children.delete(child);
    if (children.size === 0) process.off('exit', killAll);
    tellGuard();
  });
}

function killAll(): void {
  for (const { pid } of children) {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // The whole group has ended.
    }
  }
}

function tellGuard(): void {
  orphanGuard ??= new OrphanGuard();
  orphanGuard.guard([...children].flatMap(({ pid }) => pid ?? []));
}
