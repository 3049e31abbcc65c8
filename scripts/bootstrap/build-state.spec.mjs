import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decideBuild, findBuildReason, packageInputs, recordBuild } from './build-state.mjs';

describe('decideBuild', () => {
  const built = { stamp: { digest: 'd1' }, digest: 'd1', packagesWithoutDist: [] };

  it('does nothing when the sources are those of the last build', () => {
    expect(decideBuild(built)).toBeUndefined();
  });

  it('builds after an install, which removes the stamp', () => {
    expect(decideBuild({ ...built, stamp: undefined })).toBe('first run');
  });

  it('builds when the sources changed', () => {
    expect(decideBuild({ ...built, digest: 'd2' })).toBe('sources changed');
  });

  it('builds when a dist was removed, and names the package', () => {
    expect(decideBuild({ ...built, packagesWithoutDist: ['packages/a'] })).toBe('no dist in packages/a');
  });
});

describe('packageInputs', () => {
  it("are those of turbo's build", () => {
    const { tasks } = JSON.parse(readFileSync(new URL('../../turbo.json', import.meta.url), 'utf8'));
    const inputs = tasks.build.inputs.filter((pattern) => !pattern.startsWith('!'));
    expect([...packageInputs].sort()).toEqual(inputs.map((pattern) => pattern.replace('/**', '')).sort());
  });
});

describe('findBuildReason', () => {
  let root;
  const write = (path, text) => writeFileSync(join(root, path), text);

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tessera-'));
    for (const folder of ['node_modules', 'packages/a/src/deep', 'packages/a/dist']) {
      mkdirSync(join(root, folder), { recursive: true });
    }
    write('package.json', '{"workspaces":["packages/*","services/*"]}');
    write('packages/a/package.json', '{}');
    write('packages/a/src/deep/x.ts', 'export const x = 1;');
    recordBuild(root);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('finds nothing to do right after a build', () => {
    expect(findBuildReason(root)).toBeUndefined();
  });

  const edits = {
    'a source deep down': () => write('packages/a/src/deep/x.ts', 'export const x = 20;'),
    'the time of a source': () => utimesSync(join(root, 'packages/a/src/deep/x.ts'), 0, 0),
    'a new source': () => write('packages/a/src/y.ts', ''),
    'a removed source': () => rmSync(join(root, 'packages/a/src/deep/x.ts')),
    'a manifest': () => write('packages/a/package.json', '{"type":"module"}'),
  };
  for (const [title, edit] of Object.entries(edits)) {
    it(`notices ${title}`, () => {
      edit();
      expect(findBuildReason(root)).toBe('sources changed');
    });
  }

  it('does not build for a spec', () => {
    write('packages/a/src/x.spec.ts', '');
    expect(findBuildReason(root)).toBeUndefined();
  });

  it('notices a removed dist', () => {
    rmSync(join(root, 'packages/a/dist'), { recursive: true });
    expect(findBuildReason(root)).toBe('no dist in packages/a');
  });
});
