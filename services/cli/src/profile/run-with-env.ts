import { endingWithParent, runChild } from './run-child.js';

/**
 * Runs `work` in a process whose environment has `name` set, for what a library reads before any code runs: here if it
 * is so already, else by running this command again in a child process, whose exit status becomes this one's.
 */
export async function runWithEnv(name: string, value: string, work: () => Promise<void>): Promise<void> {
  if (process.env[name] !== undefined) return endingWithParent(work);
  process.exitCode = await runChild([...process.execArgv, ...process.argv.slice(1)], { [name]: value });
}
