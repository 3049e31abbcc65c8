import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { countTests } from './count-tests.mjs';
import { readJsonIfPresent } from './workspaces.mjs';

/** Runs one vitest project in this terminal and counts what its JSON report says. */
export async function runVitestProject(project, { rootDir, size, filters, excluded }) {
  const reportPath = join(rootDir, 'test-results', `${project}.json`);
  const args = [
    join(rootDir, 'node_modules/vitest/vitest.mjs'),
    ...['run', '--project', project, '--allowOnly=false'],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`],
    ...excluded.flatMap((path) => ['--exclude', path]),
    ...(filters.length > 0 ? ['--passWithNoTests', ...filters] : []),
  ];
  const exitCode = await runInTerminal(args, { cwd: rootDir, env: { ...process.env, TESSERA_TEST_SIZE: size } });
  return countTests(readJsonIfPresent(reportPath), exitCode);
}

function runInTerminal(args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { ...options, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
}
