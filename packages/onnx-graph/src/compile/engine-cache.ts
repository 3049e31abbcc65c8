import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from '@tessera/domain';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { diskError } from '../onnx/disk-error.js';
import { type EngineManifest, engineFormatVersion } from './engine-manifest.js';
import { makeFolder } from './make-folder.js';

/**
 * The folder in which compiled engines are kept:
 *
 *     engines/<key>/…                     complete engines; they appear by a rename and never change
 *     engines/<key>.<pid>.<id>.partial/   being written by process <pid>
 *     revisions/<fingerprint>             content digest of a checkpoint folder that was read before
 */
export class EngineCache {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  engineDir(key: string): string {
    return join(this.#dir, 'engines', key);
  }

  /** The manifest of a complete engine, or undefined; one that lost files stays until the next is published. */
  async find(key: string): Promise<EngineManifest | undefined> {
    try {
      return await readManifest(this.engineDir(key));
    } catch (error) {
      if (!(error instanceof ServingError)) throw error;
      return undefined;
    }
  }

  /**
   * Writes an engine in a folder of its own and publishes it whole, or leaves nothing behind. Throws `disk_full`,
   * `invalid_option` for a cache that cannot be written, and what `write` throws.
   */
  async publish(key: string, write: (partialDir: string) => Promise<EngineManifest>): Promise<EngineManifest> {
    await this.#removeAbandoned();
    await this.#removeBroken(key);
    const partialDir = this.#partialDir(key);
    await this.#makeFolder(partialDir);
    try {
      const manifest = await write(partialDir);
      await writeFile(join(partialDir, 'manifest.json'), JSON.stringify(manifest, undefined, 2));
      await this.#rename(partialDir, key);
      return manifest;
    } catch (error) {
      throw diskError(error);
    } finally {
      await rm(partialDir, { recursive: true, force: true });
    }
  }

  /**
   * Content digest of the checkpoint: looked up when no file changed since it was last computed. Throws `disk_full`,
   * and `invalid_option` for a cache that cannot be written, before the checkpoint is read.
   */
  async revisionOf(checkpoint: Checkpoint, onBytes: (numBytes: number) => void): Promise<string> {
    const path = join(this.#dir, 'revisions', await fingerprint(checkpoint.dir));
    const known = await readFile(path, 'utf8').catch(() => undefined);
    if (known) return known;
    await this.#makeFolder(join(this.#dir, 'revisions'));
    const revision = await checkpoint.digest(onBytes);
    await writeFile(path, revision).catch((error: unknown) => {
      throw this.#explain(error);
    });
    return revision;
  }

  /** Another process may have published the same engine meanwhile; then its copy stays. */
  async #rename(partialDir: string, key: string): Promise<void> {
    try {
      await rename(partialDir, this.engineDir(key));
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }

  #partialDir(key: string): string {
    return `${this.engineDir(key)}.${process.pid}.${randomUUID()}.partial`;
  }

  async #makeFolder(dir: string): Promise<void> {
    await makeFolder(dir).catch((error: unknown) => {
      throw this.#explain(error);
    });
  }

  /** Names a full disk, and a cache that cannot be written. */
  #explain(error: unknown): unknown {
    const { code, path } = error as NodeJS.ErrnoException;
    const known = diskError(error);
    if (known !== error || code === undefined) return known;
    const message = `--engine-cache ${this.#dir} cannot be written: ${code} at ${path}.`;
    return new ServingError('invalid_option', message, { option: '--engine-cache' }, { cause: error });
  }

  /**
   * Makes room for an engine in the place of one that lost files. It is looked at again after it was moved away: what
   * lay there by then may be whole, published meanwhile by another process.
   */
  async #removeBroken(key: string): Promise<void> {
    if (await this.find(key)) return;
    const asideDir = this.#partialDir(key);
    try {
      await rename(this.engineDir(key), asideDir);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw this.#explain(error);
    }
    const isWhole = await readManifest(asideDir).then(
      () => true,
      () => false,
    );
    if (isWhole) await this.#rename(asideDir, key);
    await rm(asideDir, { recursive: true, force: true });
  }

  async #removeAbandoned(): Promise<void> {
    const enginesDir = join(this.#dir, 'engines');
    for (const name of await readdir(enginesDir).catch(() => [])) {
      const pid = /\.(\d+)\.[^.]+\.partial$/.exec(name)?.[1];
      if (pid && !isRunning(Number(pid))) await rm(join(enginesDir, name), { recursive: true, force: true });
    }
  }
}

/** Reads an engine's manifest and checks that every file is there whole; throws `engine_invalid`. */
export async function readManifest(engineDir: string): Promise<EngineManifest> {
  const text = await readFile(join(engineDir, 'manifest.json'), 'utf8').catch(() => undefined);
  if (text === undefined) throw engineInvalid(engineDir, 'has no manifest.json');
  const manifest = parseManifest(text, engineDir);
  if (manifest.formatVersion !== engineFormatVersion) {
    throw engineInvalid(engineDir, `has format ${manifest.formatVersion}, this version reads ${engineFormatVersion}`);
  }
  for (const { path, numBytes } of manifest.files) {
    const size = await stat(join(engineDir, path)).then(
      (s) => s.size,
      () => undefined,
    );
    if (size !== numBytes)
      throw engineInvalid(engineDir, `has ${size ?? 'no'} bytes in ${path} instead of ${numBytes}`);
  }
  return manifest;
}

function parseManifest(text: string, engineDir: string): EngineManifest {
  try {
    return JSON.parse(text) as EngineManifest;
  } catch (cause) {
    throw engineInvalid(engineDir, 'has a manifest.json that is no JSON', cause);
  }
}

function engineInvalid(engineDir: string, problem: string, cause?: unknown): ServingError {
  return new ServingError('engine_invalid', `The engine in ${engineDir} ${problem}.`, { dir: engineDir }, { cause });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Digest over place, names, sizes and modification times. */
async function fingerprint(dir: string): Promise<string> {
  const hash = createHash('sha256').update(`${engineFormatVersion}:${await realpath(dir)}`);
  for (const name of (await readdir(dir)).sort()) {
    const { size, mtimeMs } = await stat(join(dir, name));
    hash.update(`;${name}:${size}:${mtimeMs}`);
  }
  return hash.digest('hex');
}
