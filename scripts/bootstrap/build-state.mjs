import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listWorkspaces, readJsonIfPresent } from './workspaces.mjs';

/** Lives in node_modules, so that a fresh install always builds again. */
const stampPath = 'node_modules/.tessera-build.json';

const rootInputs = ['package-lock.json', 'tsconfig.base.json', 'turbo.json'];
/** What a package is built from, as turbo.json says. */
export const packageInputs = ['package.json', 'tsconfig.json', 'src', 'proto', 'kernels'];

/** Why the build has to run, or undefined when every package's dist is that of the sources. */
export function findBuildReason(rootDir) {
  const packages = listWorkspaces(rootDir);
  return decideBuild({
    stamp: readJsonIfPresent(join(rootDir, stampPath)),
    digest: digestSources(rootDir, packages),
    packagesWithoutDist: packages.filter((folder) => !existsSync(join(rootDir, folder, 'dist'))),
  });
}

export function recordBuild(rootDir) {
  const digest = digestSources(rootDir, listWorkspaces(rootDir));
  writeFileSync(join(rootDir, stampPath), `${JSON.stringify({ digest })}\n`);
}

export function decideBuild({ stamp, digest, packagesWithoutDist }) {
  if (stamp === undefined) return 'first run';
  if (packagesWithoutDist.length > 0) return `no dist in ${packagesWithoutDist.join(', ')}`;
  return stamp.digest === digest ? undefined : 'sources changed';
}

/**
 * Over path, size and time of change of all that the build reads: a few milliseconds. A touched file costs one run of
 * turbo, which looks at the contents.
 */
function digestSources(rootDir, packages) {
  const hash = createHash('sha256');
  const inputs = [...rootInputs, ...packages.flatMap((folder) => packageInputs.map((name) => `${folder}/${name}`))];
  for (const input of inputs) addToDigest(hash, rootDir, input);
  return hash.digest('hex');
}

function addToDigest(hash, rootDir, path) {
  const stat = statSync(join(rootDir, path), { throwIfNoEntry: false });
  if (stat === undefined || path.endsWith('.spec.ts')) return;
  if (stat.isDirectory()) {
    for (const name of readdirSync(join(rootDir, path)).sort()) addToDigest(hash, rootDir, `${path}/${name}`);
  } else {
    hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\n`);
  }
}
