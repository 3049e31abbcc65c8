import { describe, expect, it } from 'vitest';
import { decideInstall } from './install-state.mjs';

const pino = { version: '10.4.0', integrity: 'sha512-a' };
const onlyOnMac = { version: '2.3.3', integrity: 'sha512-b', optional: true };
const manifest = { dependencies: { pino: '^10.4.0' } };
const lock = {
  packages: { '': {}, 'packages/a': manifest, 'node_modules/pino': pino, 'node_modules/fsevents': onlyOnMac },
};
const fresh = {
  digest: 'd2',
  stamp: { digest: 'd1' },
  lock,
  installed: { packages: { 'packages/a': manifest, 'node_modules/pino': pino } },
  manifests: { '': {}, 'packages/a': manifest },
};

describe('decideInstall', () => {
  it('installs when there is no node_modules', () => {
    expect(decideInstall({ ...fresh, installed: undefined })).toBe('first run');
  });

  it('does nothing when the stamp is of these files, whatever npm recorded', () => {
    expect(decideInstall({ ...fresh, digest: 'd1', installed: { packages: {} } })).toBeUndefined();
  });

  it('accepts an install by hand that matches the lock file, packages of other platforms left out', () => {
    expect(decideInstall(fresh)).toBeUndefined();
    expect(decideInstall({ ...fresh, stamp: undefined })).toBeUndefined();
  });

  const changes = {
    'a package is missing': { packages: { 'packages/a': manifest } },
    'a package has another version': {
      packages: { ...fresh.installed.packages, 'node_modules/pino': { ...pino, version: '10.3.0' } },
    },
    'a package has other content': {
      packages: { ...fresh.installed.packages, 'node_modules/pino': { ...pino, integrity: 'sha512-c' } },
    },
  };
  for (const [title, installed] of Object.entries(changes)) {
    it(`installs when ${title}`, () => {
      expect(decideInstall({ ...fresh, installed })).toBe('package-lock.json changed');
    });
  }

  it('installs when a manifest names a dependency that the lock file does not', () => {
    const edited = { dependencies: { ...manifest.dependencies, zod: '^4.0.0' } };
    expect(decideInstall({ ...fresh, manifests: { '': {}, 'packages/a': edited } })).toBe('a package.json changed');
  });

  it('does not care for the order of dependencies', () => {
    const ab = { dependencies: { a: '1', b: '1' } };
    const ba = { dependencies: { b: '1', a: '1' } };
    const state = { ...fresh, lock: { packages: { '': ab } }, manifests: { '': ba } };
    expect(decideInstall(state)).toBeUndefined();
  });
});
