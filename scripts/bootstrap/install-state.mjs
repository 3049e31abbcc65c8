import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listWorkspaces, readJson, readJsonIfPresent } from './workspaces.mjs';

const stampPath = 'node_modules/.tessera-install.json';

const dependencyFields = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies', 'overrides'];

/** Why `npm ci` has to run, or undefined when node_modules is what package-lock.json says. */
export function findInstallReason(rootDir) {
  const state = readInstallState(rootDir);
  return decideInstall(state);
}

/** Notes that node_modules holds what the lock file and the manifests say now. */
export function recordInstall(rootDir) {
  const { digest } = readInstallState(rootDir);
  writeFileSync(join(rootDir, stampPath), `${JSON.stringify({ digest })}\n`);
}

/**
 * `stamp` is ours, `installed` npm's own record of node_modules (its hidden lock file). The latter makes an install
 * that a developer ran by hand count too, instead of being wiped and repeated.
 */
export function decideInstall({ digest, stamp, lock, installed, manifests }) {
  if (installed === undefined) return 'first run';
  if (stamp?.digest === digest) return undefined;
  const isAsLocked = lockedPackages(lock).every(([path, entry]) => isSameEntry(installed.packages[path], entry));
  if (!isAsLocked) return 'package-lock.json changed';
  const isLockCurrent = Object.entries(manifests).every(([path, manifest]) =>
    isSameManifest(manifest, lock.packages[path] ?? {}),
  );
  return isLockCurrent ? undefined : 'a package.json changed';
}

function readInstallState(rootDir) {
  const lock = readJson(join(rootDir, 'package-lock.json'));
  const manifests = Object.fromEntries(
    ['', ...listWorkspaces(rootDir)].map((path) => [path, readJson(join(rootDir, path, 'package.json'))]),
  );
  const wanted = Object.entries(manifests).map(([path, manifest]) => [path, pickDependencies(manifest)]);
  return {
    digest: createHash('sha256')
      .update(JSON.stringify([lock, wanted]))
      .digest('hex'),
    stamp: readJsonIfPresent(join(rootDir, stampPath)),
    lock,
    installed: readJsonIfPresent(join(rootDir, 'node_modules/.package-lock.json')),
    manifests,
  };
}

/** Entries that every machine installs; optional ones depend on the platform. */
function lockedPackages(lock) {
  return Object.entries(lock.packages).filter(([path, entry]) => path !== '' && !entry.optional);
}

function isSameEntry(installed, locked) {
  return installed !== undefined && installed.version === locked.version && installed.integrity === locked.integrity;
}

function isSameManifest(manifest, locked) {
  // `overrides` are not copied into the lock file; only the digest sees a change of them.
  return dependencyFields
    .filter((field) => field !== 'overrides')
    .every((field) => sortedJson(manifest[field]) === sortedJson(locked[field]));
}

function pickDependencies(manifest) {
  return dependencyFields.map((field) => sortedJson(manifest[field]));
}

function sortedJson(dependencies = {}) {
  return JSON.stringify(Object.entries(dependencies).sort());
}
