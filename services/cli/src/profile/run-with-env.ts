import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Runs `work` in a process whose environment has `name` set, for what a library reads before any code runs: here if it
 * is so already, else by running this command again in a child process, whose exit status becomes this one's.
 */
export async function runWithEnv(name: string, value: string, work: () => Promise<void>): Promise<void> {
  if (process.env[name] !== undefined) return work();
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env: { ...process.env, [name]: value },
    stdio: 'inherit',
  });
  const [status] = await once(child, 'exit');
  process.exitCode = status ?? 1;
}
