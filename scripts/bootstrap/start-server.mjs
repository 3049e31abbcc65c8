import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Becomes `tessera serve` in this very process: one terminal, one set of signals, one exit code. A child process would
 * see a Ctrl-C twice, from the terminal and forwarded.
 */
export async function startServer(rootDir, args) {
  const cli = join(rootDir, 'services/cli/dist/main.js');
  process.argv = [process.execPath, cli, 'serve', ...args];
  await import(pathToFileURL(cli).href);
  return process.exitCode;
}
