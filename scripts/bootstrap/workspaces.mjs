import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folders of all workspaces, relative to the root, as package.json's `dir/*` patterns name them. */
export function listWorkspaces(rootDir) {
  const { workspaces } = readJson(join(rootDir, 'package.json'));
  return workspaces.flatMap((pattern) => {
    const parent = pattern.replace(/\/\*$/, '');
    if (!existsSync(join(rootDir, parent))) return [];
    return readdirSync(join(rootDir, parent))
      .map((name) => `${parent}/${name}`)
      .filter((folder) => existsSync(join(rootDir, folder, 'package.json')))
      .sort();
  });
}

export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** The parsed file, or undefined when it is absent or cut off. */
export function readJsonIfPresent(path) {
  try {
    return readJson(path);
  } catch {
    // Absent, or half-written by an interrupted install: both mean "not there".
    return undefined;
  }
}
