import { fileURLToPath } from 'node:url';
import { type LaunchOptions, type ServerProcess, startServer } from '@tessera/runtime';

/** Runs a script of this folder as a process; resolves when it has printed a line like `readyWhen`. */
export function runScript(
  name: string,
  args: readonly string[],
  readyWhen: RegExp,
  options: LaunchOptions = {},
): Promise<ServerProcess> {
  const path = fileURLToPath(new URL(name, import.meta.url));
  return startServer({ binary: process.execPath, args: [path, ...args], readyWhen }, options);
}
