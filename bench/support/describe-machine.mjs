import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** What figures hold on, in a line. */
export function describeMachine() {
  const [{ model }] = cpus();
  const gigabytes = (totalmem() / 1e9).toFixed(1);
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' });
  const load = loadavg()[0].toFixed(1);
  return `${model.trim()}, ${availableParallelism()} cores, ${gigabytes} GB, load ${load}, Node.js ${process.version}, commit ${commit.trim()}, ${new Date().toISOString()}`;
}
