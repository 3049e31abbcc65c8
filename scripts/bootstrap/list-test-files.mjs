import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** All suites, as paths below the root, sorted. */
export function listTestFiles(rootDir) {
  return readdirSync(join(rootDir, 'test'), { recursive: true })
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => `test/${path}`)
    .sort();
}
