import { readFileSync } from 'node:fs';

/** Of Linux on all machines that Node.js runs on. */
const ticksPerSecond = 100;

/** Time that all threads of a process have had on cores so far, in milliseconds. */
export function readProcessTimeMs(pid) {
  const [, fields] = /\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const [userTicks, systemTicks] = fields.split(' ').slice(11, 13).map(Number);
  return ((userTicks + systemTicks) * 1000) / ticksPerSecond;
}
