import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { addCounts, formatCounts, noCounts } from './count-tests.mjs';
import { ensureServerSuites } from './ensure-server-suites.mjs';
import { listTestFiles } from './list-test-files.mjs';
import { describeMissing, ensureRequirements, requirements, requirementsOf } from './requirements.mjs';
import { runCheck } from './run-check.mjs';
import { runVitestProject } from './run-vitest-project.mjs';

/**
 * Runs lint, type check, unit tests and suites in this order and ends with `N passed, N failed`. Suites that mostly wait
 * run beside the others. A filter leaves only the test files whose path contains it. Returns the exit code: 0 when
 * nothing failed and something ran.
 */
export async function runTests(rootDir, { size, filters }) {
  const startMs = Date.now();
  const isCi = process.env.CI === 'true';
  rmSync(join(rootDir, 'test-results'), { recursive: true, force: true });
  mkdirSync(join(rootDir, 'test-results'), { recursive: true });

  const testFiles = listTestFiles(rootDir);
  const missing = [
    ...(await ensureRequirements(requirementsOf(requirements, filters, testFiles))),
    ...(await ensureServerSuites({ rootDir, filters, testFiles })),
  ];
  const numUnmet = isCi ? missing.length : 0;
  let counts = addCounts(noCounts, { numPassed: 0, numFailed: numUnmet });
  if (filters.length === 0) counts = addCounts(counts, await runChecks(rootDir));
  const vitest = { rootDir, size, filters, excluded: missing.flatMap((requirement) => requirement.suites) };
  counts = addCounts(counts, await runVitestProject('unit', vitest));
  const suites = [
    runVitestProject('suites', vitest),
    runVitestProject('waiting-suites', { ...vitest, isBeside: true }),
  ];
  for (const suite of suites) counts = addCounts(counts, await suite);

  for (const requirement of missing) console.log(describeMissing(requirement, { isCi }));
  console.log(`\nTook ${formatDuration(Date.now() - startMs)} at size "${size}".`);
  const isNothingRun = counts.numPassed + counts.numFailed === 0;
  if (isNothingRun) console.log(`No test file has ${filters.map((filter) => `"${filter}"`).join(' or ')} in its path.`);
  console.log(formatCounts(counts));
  return counts.numFailed > 0 || isNothingRun ? 1 : 0;
}

async function runChecks(rootDir) {
  const bin = (path) => join(rootDir, 'node_modules', path);
  const checks = [
    { title: 'Lint and format', args: [bin('@biomejs/biome/bin/biome'), 'check', '.'] },
    { title: 'Types of tests', args: [bin('typescript/bin/tsc'), '-p', 'tsconfig.test.json', '--noEmit'] },
    { title: 'Protocol', args: [bin('@bufbuild/buf/bin/buf'), 'lint'] },
    {
      title: 'Protocol against its baseline',
      args: [bin('@bufbuild/buf/bin/buf'), 'breaking', '--against', 'proto/baseline.binpb'],
    },
    { title: 'Code generated from the protocol', args: [join(rootDir, 'scripts/check-generated.mjs')] },
  ];
  let counts = noCounts;
  for (const check of checks) counts = addCounts(counts, await runCheck({ ...check, cwd: rootDir }));
  return counts;
}

function formatDuration(durationMs) {
  const numSeconds = Math.round(durationMs / 1000);
  return `${Math.floor(numSeconds / 60)} min ${numSeconds % 60} s`;
}
