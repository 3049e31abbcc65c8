import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Versions are fixed: what the suites see does not change by itself. */
const packages = ['openai==1.109.1'];
const dir = fileURLToPath(new URL('../../../node_modules/.cache/tessera-e2e/python', import.meta.url));

/** Runs a Python script in a virtual environment that has the `openai` package; resolves with its standard output. */
export async function runPython(script: string, args: readonly string[]): Promise<string> {
  const python = await prepareEnvironment();
  const { stdout } = await run(python, [fileURLToPath(new URL(`../python/${script}`, import.meta.url)), ...args]);
  return stdout;
}

/** Path of the environment's interpreter; made at the first call on a checkout. */
async function prepareEnvironment(): Promise<string> {
  const python = `${dir}/bin/python3`;
  const ready = `${dir}/${packages.join('+')}`;
  if (existsSync(ready)) return python;
  await run('python3', ['-m', 'venv', '--clear', dir]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]);
  await run('touch', [ready]);
  return python;
}
