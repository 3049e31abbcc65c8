// Fails, naming the files, when packages/proto/src/gen is not what proto/ generates.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const rootDir = fileURLToPath(new URL('..', import.meta.url));
const generatedDir = 'packages/proto/src/gen';
const buf = join(rootDir, 'node_modules/@bufbuild/buf/bin/buf');

/** Contents of all files of a folder, by path. */
function readFolder(dir) {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name));
  return new Map(paths.map((path) => [path.slice(dir.length + 1), readFileSync(path, 'utf8')]));
}

const outDir = mkdtempSync(join(tmpdir(), 'tessera-proto-'));
try {
  execFileSync(process.execPath, [buf, 'generate', '--output', outDir], { cwd: rootDir, stdio: 'inherit' });
  const expected = readFolder(join(outDir, generatedDir));
  const found = readFolder(join(rootDir, generatedDir));
  const stale = [...new Set([...expected.keys(), ...found.keys()])].filter(
    (path) => expected.get(path) !== found.get(path),
  );
  if (stale.length > 0) {
    console.log(`npm run generate was not run since proto/ changed: ${stale.join(', ')}.`);
    process.exitCode = 1;
  }
} finally {
  rmSync(outDir, { recursive: true });
}
