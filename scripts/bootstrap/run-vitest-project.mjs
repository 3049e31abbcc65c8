import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { countTests } from './count-tests.mjs';
import { capture } from './run-step.mjs';
import { readJsonIfPresent } from './workspaces.mjs';

/**
 * Runs one vitest project in this terminal, or beside another one, which has the terminal until this one has ended, and
 * counts what its JSON report says.
 */
export async function runVitestProject(project, { rootDir, size, filters, excluded, isBeside = false }) {
  const reportPath = join(rootDir, 'test-results', `${project}.json`);
  const args = [
    join(rootDir, 'node_modules/vitest/vitest.mjs'),
    ...['run', '--project', project, '--allowOnly=false'],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`],
    ...excluded.flatMap((path) => ['--exclude', path]),
    ...(filters.length > 0 ? ['--passWithNoTests', ...filters] : []),
  ];
  const run = isBeside ? runBeside : runInTerminal;
  const exitCode = await run(args, { cwd: rootDir, env: { ...process.env, TESSERA_TEST_SIZE: size } });
  return countTests(readJsonIfPresent(reportPath), exitCode);
}

function runInTerminal(args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { ...options, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
}

async function runBeside(args, options) {
  const { exitCode, output } = await capture(process.execPath, args, options);
  process.stdout.write(output);
  return exitCode;
}
