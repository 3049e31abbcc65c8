import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, runStep, StepFailure } from '../bootstrap/run-step.mjs';

const hint = 'Is the network there? Run it again.';

/**
 * Gets Debian packages, each with a server of its own name, and the libraries that this machine lacks, and unpacks them
 * below `dir`, where `bin` has a script to run each. Needs no privilege, and apt's own lists stay as they are.
 */
export async function unpackServers(packageNames, dir) {
  const folders = {
    root: join(dir, 'root'),
    debs: join(dir, 'debs'),
    lists: join(dir, 'lists'),
    bin: join(dir, 'bin'),
  };
  for (const name of ['root', 'debs']) rmSync(folders[name], { recursive: true, force: true });
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });

  const aptGet = (...args) => ['-o', `Dir::State::Lists=${folders.lists}`, '-o', `Dir::Cache=${dir}/apt`, ...args];
  const step = (title, command, args) => runStep({ title, command, args, cwd: folders.debs, hint });
  await step('Reading the package lists', 'apt-get', aptGet('update'));
  const names = await listPackages(packageNames, aptGet);
  await step(`Getting ${packageNames.join(', ')}`, 'apt-get', aptGet('download', ...names));
  for (const deb of readdirSync(folders.debs)) {
    await step(`Unpacking ${deb}`, 'dpkg-deb', ['--extract', join(folders.debs, deb), folders.root]);
  }
  for (const name of packageNames) writeRunner(name, folders);
  for (const folder of [folders.debs, folders.lists, join(dir, 'apt')])
    rmSync(folder, { recursive: true, force: true });
}

/** The packages themselves, whatever is installed, and what apt would install for them. */
async function listPackages(packageNames, aptGet) {
  const args = aptGet('install', '--simulate', '--no-install-recommends', ...packageNames);
  const { exitCode, output } = await capture('apt-get', args, {});
  if (exitCode !== 0) throw new StepFailure(`${output}\nThis Debian's sources have no ${packageNames.join(' or ')}.`);
  return [...new Set([...packageNames, ...parsePlan(output)])];
}

/** Names of the packages that `apt-get install --simulate` would install. */
export function parsePlan(output) {
  return [...output.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name);
}

function writeRunner(name, { root, bin }) {
  const program = ['usr/sbin', 'usr/bin'].map((folder) => join(root, folder, name)).find(existsSync);
  if (program === undefined) throw new StepFailure(`Debian's package ${name} brings no program ${name}.`);
  writeFileSync(join(bin, name), formatRunner(program, findLibraryDirs(root)), { mode: 0o755 });
}

/** A script that becomes the program, so that its process id is the program's. */
export function formatRunner(program, libraryDirs) {
  return `#!/bin/sh\nexec env LD_LIBRARY_PATH='${libraryDirs.join(':')}' '${program}' "$@"\n`;
}

/** Debian keeps libraries in a folder named after the machine, such as x86_64-linux-gnu. */
function findLibraryDirs(root) {
  return ['usr/lib', 'lib']
    .map((folder) => join(root, folder))
    .filter(existsSync)
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((folder) => folder.endsWith('-linux-gnu'));
}
