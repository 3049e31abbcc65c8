import { join } from 'node:path';
import { findBuildReason, recordBuild } from './build-state.mjs';
import { findInstallReason, recordInstall } from './install-state.mjs';
import { npmCommand } from './npm-command.mjs';
import { runStep } from './run-step.mjs';
import { withLock } from './with-lock.mjs';

/**
 * Installs and builds what is missing or stale, once whatever runs beside it; silent when nothing is. Throws a
 * StepFailure with the tail of the output.
 */
export async function prepareCheckout(rootDir) {
  if (!findWork(rootDir).isNeeded) return;
  await withLock(join(rootDir, '.tessera/bootstrap.lock'), async () => {
    const { installReason } = findWork(rootDir);
    if (installReason) await install(rootDir, installReason);
    const { buildReason } = findWork(rootDir);
    if (buildReason) await build(rootDir, buildReason);
  });
}

function findWork(rootDir) {
  const installReason = findInstallReason(rootDir);
  const buildReason = installReason ?? findBuildReason(rootDir);
  return { installReason, buildReason, isNeeded: buildReason !== undefined };
}

async function install(rootDir, reason) {
  const npm = npmCommand(process.env);
  await runStep({
    title: `Installing dependencies (${reason})`,
    command: npm.command,
    args: [...npm.args, 'ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'],
    cwd: rootDir,
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    hint: 'Is the npm registry reachable ("npm ping")? After an edit of a package.json, run "npm install" once.',
  });
  recordInstall(rootDir);
}

async function build(rootDir, reason) {
  await runStep({
    title: `Building (${reason})`,
    command: process.execPath,
    args: [join(rootDir, 'node_modules/turbo/bin/turbo'), 'run', 'build', '--no-update-notifier'],
    cwd: rootDir,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
    hint: 'The code does not compile; "npx tsc -b" shows all errors.',
  });
  recordBuild(rootDir);
}
