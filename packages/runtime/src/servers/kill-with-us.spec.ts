import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { killWithUs } from './kill-with-us.js';

const start = (script: string) => spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });

/** What killWithUs has this process do at its end. */
function endHere(known: readonly unknown[]): void {
  const added = process.listeners('exit').filter((listener) => !known.includes(listener));
  expect(added).toHaveLength(1);
  for (const listener of added) listener(0);
}

it('kills the whole group of a child, also one whose leader has ended', async () => {
  const known = process.listeners('exit');
  const waiting = start('sleep 60 & echo here; wait');
  const gone = start('sleep 60 & echo here');
  const children = [waiting, gone];
  // `close` comes once nobody of the group has the output open any more.
  const closed = children.map((child) => once(child, 'close'));
  for (const child of children) killWithUs(child);
  await Promise.all([...children.map((child) => once(child.stdout, 'data')), once(gone, 'exit')]);
  endHere(known);
  await Promise.all(closed);
  expect(process.listeners('exit')).toEqual(known);
});
